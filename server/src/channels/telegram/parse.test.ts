import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Inbound } from '../contract.ts';
import { parse } from './parse.ts';

const credentials = { botToken: '7000000001:AAH-double-token-for-tests-only_0123456', secretToken: 'secret' };
const parseBody = (body: string | Buffer) =>
  parse({ method: 'POST', headers: {}, query: {}, rawBody: Buffer.from(body) }, credentials).events;
const fixture = (name: string) => readFileSync(new URL(`./__fixtures__/${name}.json`, import.meta.url));
const parseFixture = (name: string): Inbound => {
  const [inbound, ...more] = parseBody(fixture(name));
  assert.ok(inbound, `${name} should parse to an event`);
  assert.equal(more.length, 0);
  return inbound;
};
const parseMessage = (name: string) => {
  const inbound = parseFixture(name);
  assert.ok(inbound.kind === 'message');
  return inbound;
};
const withText = (text: string) => {
  const update = JSON.parse(fixture('text').toString()) as { message: { text: string } };
  update.message.text = text;
  return JSON.stringify(update);
};

describe('what is not an update', () => {
  const bodies = [
    '',
    'null',
    '[]',
    '1',
    '"x"',
    '{',
    '{}',
    '{"update_id":"1"}',
    '{"update_id":-1}',
    '{"update_id":1.5}',
  ];
  for (const body of [
    ...bodies,
    '{"update_id":1,"message":{}}',
    '{"update_id":1,"message":[]}',
    '\ufeff{"update_id":1}',
  ]) {
    test(JSON.stringify(body), () => {
      assert.throws(() => parseBody(body), { code: 'bad_request' });
    });
  }

  test('a date no calendar holds', () => {
    const update = JSON.parse(fixture('text').toString()) as { message: { date: number } };
    update.message.date = 9e15;
    assert.throws(() => parseBody(JSON.stringify(update)), { code: 'bad_request' });
  });

  test('brackets a hundred thousand deep', () => {
    assert.throws(() => parseBody('['.repeat(100_000)), { code: 'bad_request' });
  });
});

test("bots' words, our own, channels, forwards and notices are ignored", () => {
  const names = ['channel_post', 'own_message', 'other_bot', 'automatic_forward', 'joined', 'poll_answer', 'dice'];
  for (const name of [...names, 'live_location']) assert.deepEqual(parseBody(fixture(`ignored_${name}`)), [], name);
  assert.deepEqual(parseBody('{"update_id":7,"something_new":{"deep":[1]}}'), []);
});

test('a text', () => {
  assert.deepEqual(parseFixture('text'), {
    kind: 'message',
    platformId: 'update:834562101',
    threadKey: '412587349',
    at: '2026-05-28T20:26:57.000Z',
    sender: { externalId: '412587349', name: 'Eleni Papadaki', username: 'eleni_p', language: 'el' },
    messageId: '412587349/301',
    type: 'text',
    text: 'Καλημέρα! Where is my order #4417? 📦',
    media: [],
  });
});

test('an edit names the message it changes', () => {
  const edit = parseFixture('edited_message');
  assert.ok(edit.kind === 'edit');
  assert.equal(edit.messageId, parseMessage('text').messageId);
  assert.notEqual(edit.platformId, parseMessage('text').platformId);
  assert.match(edit.text, /#4418/);
});

test('of a photo the largest size, with its caption', () => {
  const message = parseMessage('photo_with_caption');
  assert.equal(message.type, 'image');
  assert.equal(message.text, 'It arrived broken');
  assert.deepEqual(message.media, [
    { kind: 'image', reference: 'AgACAgQAAxkBAAIBLmY_y1', mime: 'image/jpeg', size: 98231 },
  ]);
});

test('other files by their kind', () => {
  const kinds = ['document', 'voice', 'video_note', 'animation', 'sticker'].map((name) => {
    const { type, media } = parseMessage(name);
    return [name, type, media.length, media[0]?.mime];
  });
  assert.deepEqual(kinds, [
    ['document', 'document', 1, 'application/pdf'],
    ['voice', 'audio', 1, 'audio/ogg'],
    ['video_note', 'video', 1, 'video/mp4'],
    ['animation', 'video', 1, 'video/mp4'],
    ['sticker', 'image', 1, 'image/webp'],
  ]);
  assert.equal(parseMessage('document').media[0]?.name, 'invoice-2026-05.pdf');
  assert.equal(parseMessage('sticker').text, '👍');
});

test('an album is two messages of one group', () => {
  const [first, second] = [parseMessage('album_first'), parseMessage('album_second')];
  assert.notEqual(first.messageId, second.messageId);
});

test('places', () => {
  assert.deepEqual(parseMessage('location').location, { latitude: 37.983917, longitude: 23.72936 });
  assert.equal(parseMessage('venue').location?.name, 'Acropolis pick-up point');
});

test("only one's own card gives a phone number", () => {
  assert.equal(parseMessage('contact_own').sender.phone, '+306912345678');
  assert.equal(parseMessage('contact_other').sender.phone, undefined);
  assert.equal(parseMessage('contact_other').text, 'Nikos\n+306900000000');
});

test('/start with its payload', () => {
  const message = parseMessage('start_with_payload');
  assert.equal(message.action, 'start');
  assert.deepEqual(message.sender.metadata, { startPayload: 'campaign_42' });
  for (const text of ['/started', 'please /start']) {
    const [inbound] = parseBody(withText(text));
    assert.ok(inbound?.kind === 'message' && inbound.action === undefined, text);
  }
});

test('a reply, a button, a hidden link', () => {
  assert.equal(parseMessage('reply').replyToMessageId, '412587349/1007');
  assert.equal(parseMessage('callback_query').action, 'request_agent');
  assert.equal(parseMessage('callback_query').type, 'interactive');
  const expected = '👋 Look here (https://shop.example.com/orders/4418) and email me at eleni@example.com';
  assert.equal(parseMessage('entities').text, expected);
});

test('entity offsets that lie', () => {
  const update = JSON.parse(fixture('entities').toString()) as { message: { entities: unknown[] } };
  const link = (offset: number, length: number) => ({ type: 'text_link', offset, length, url: 'https://x.example/' });
  update.message.entities = [link(0, 1), link(0, 2), link(1, 500), link(9e9, 1)];
  const [inbound] = parseBody(JSON.stringify(update));
  assert.ok(inbound?.kind === 'message' && inbound.text.isWellFormed());
});

test('a forum topic is its own thread; its opening notice is no reply', () => {
  const message = parseMessage('group_topic');
  assert.equal(message.threadKey, '-1001947283650:40');
  assert.equal(message.sender.externalId, '412587349');
  assert.equal(message.replyToMessageId, undefined);
  assert.equal(parseMessage('group_text').threadKey, '-4012345678');
});

test('blocking and unblocking', () => {
  const reachable = ['blocked', 'unblocked'].map((name) => {
    const inbound = parseFixture(name);
    return inbound.kind === 'reachability' && inbound.reachable;
  });
  assert.deepEqual(reachable, [false, true]);
});

test('text the database could not hold is cleaned, the rest arrives whole', () => {
  const [inbound] = parseBody(withText('a\u0000b\ud800c 👩‍👩‍👧 ' + 'x'.repeat(100_000)));
  assert.ok(inbound?.kind === 'message');
  assert.equal(inbound.text, 'ab\ufffdc 👩‍👩‍👧 ' + 'x'.repeat(100_000));
});
