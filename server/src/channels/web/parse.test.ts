import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parseVisitorEvent, type Arrival, type WebEvent } from './parse.ts';

const arrival: Arrival = {
  visitor: { id: 'visitor-1', name: 'Ada Verified' },
  eventId: 'event-1',
  at: new Date('2026-05-28T20:26:57Z'),
};
const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`./__fixtures__/${name}.json`, import.meta.url), 'utf8')) as {
    event: WebEvent;
    payload: Record<string, unknown>;
  };
const parseFixture = (name: string, from: Arrival = arrival) => {
  const { event, payload } = read(name);
  const inbound = parseVisitorEvent(event, payload, from);
  assert.ok(inbound.kind === 'message');
  return inbound;
};

describe('what is refused, naming the field', () => {
  const { payload } = read('send_message');
  const refused: [string, unknown, string][] = [
    ['no text', { ...payload, text: ' \u0000 ' }, 'text'],
    ['no client id', { ...payload, clientId: '' }, 'clientId'],
    ['a conversation that is no id', { ...payload, conversationId: { $ne: 1 } }, 'conversationId'],
    ['text over the limit', { ...payload, text: 'x'.repeat(100_001) }, 'text'],
    ['a claim to be somebody', { ...payload, sender: { externalId: 'visitor-2' } }, ''],
    ['nothing at all', null, ''],
  ];
  for (const [name, body, field] of refused) {
    test(name, () => {
      assert.throws(
        () => parseVisitorEvent('customer:send_message', body, arrival),
        (error: unknown) => {
          const { code, details } = error as { code: string; details: { field: string }[] };
          assert.equal(code, 'bad_request');
          assert.equal(details[0]?.field, field);
          return true;
        },
      );
    });
  }
});

test('a resend is the same event; the same client id of another visitor is not', () => {
  const first = parseFixture('send_message');
  const resend = parseFixture('send_message', { ...arrival, eventId: 'event-2', at: new Date() });
  const stranger = parseFixture('send_message', { ...arrival, visitor: { id: 'visitor-2' } });
  assert.equal(first.platformId, resend.platformId);
  assert.notEqual(first.platformId, stranger.platformId);
  assert.equal(stranger.threadKey, 'visitor-2');
});

test('a message and its file', () => {
  assert.deepEqual(parseFixture('send_message_with_file'), {
    kind: 'message',
    platformId: 'visitor-1:0198c4a3-11aa-7f00-8c00-5d1f6b8e4a12',
    threadKey: 'visitor-1',
    at: '2026-05-28T20:26:57.000Z',
    sender: { externalId: 'visitor-1', name: 'Ada Verified' },
    messageId: 'visitor-1:0198c4a3-11aa-7f00-8c00-5d1f6b8e4a12',
    type: 'text',
    text: 'See the photo',
    media: [],
    clientId: '0198c4a3-11aa-7f00-8c00-5d1f6b8e4a12',
    attachmentIds: ['0198c4a3-22bb-7f00-8c00-5d1f6b8e4a13'],
  });
});

test('metadata is stored as far as it can be', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`key${index}`, 'value']));
  const inbound = parseVisitorEvent('customer:start_chat', { metadata: { 'a\u0000': 'b\ud800', ...many } }, arrival);
  assert.equal(inbound.sender.metadata?.['a'], 'b\ufffd');
  assert.equal(Object.keys(inbound.sender.metadata).length, 50);
});

test('actions; what the form says never replaces what the token says', () => {
  const start = parseFixture('start_chat');
  assert.equal(start.action, 'start');
  assert.deepEqual(start.sender, {
    externalId: 'visitor-1',
    name: 'Ada Verified',
    email: 'ada@example.com',
    metadata: { page: '/pricing' },
  });
  assert.equal(start.platformId, 'visitor-1:event-1');
  assert.equal(parseFixture('request_agent').action, 'request_agent');
  assert.equal(parseFixture('end_chat').action, 'end');
});
