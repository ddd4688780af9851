import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startHttpDouble } from './http-double.ts';
import { EntityError, parseHtml, parseMarkdownV2 } from './telegram-entities.ts';
import { startTelegramDouble } from './telegram.ts';

const telegram = await startTelegramDouble();
after(() => telegram.close());

const post = async (method: string, body: unknown, token = telegram.token) => {
  const answer = await fetch(`${telegram.url}/bot${token}/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

describe('what Telegram refuses', () => {
  const refusals: [string, string, Record<string, unknown>, RegExp][] = [
    ['no chat', 'sendMessage', { text: 'a' }, /chat_id is empty/],
    ['no text', 'sendMessage', { chat_id: 1 }, /message text is empty/],
    ['only markup', 'sendMessage', { chat_id: 1, text: '<b> </b>', parse_mode: 'HTML' }, /text is empty/],
    ['too long', 'sendMessage', { chat_id: 1, text: 'a'.repeat(4097) }, /message is too long/],
    [
      'open tag',
      'sendMessage',
      { chat_id: 1, text: '<b>a', parse_mode: 'HTML' },
      /can't parse entities: Can't find end/,
    ],
    ['unknown tag', 'sendMessage', { chat_id: 1, text: '<p>a</p>', parse_mode: 'HTML' }, /Unsupported start tag "p"/],
    ['a bare dot', 'sendMessage', { chat_id: 1, text: 'a.', parse_mode: 'MarkdownV2' }, /Character '\.' is reserved/],
    ['bad secret', 'setWebhook', { url: 'https://x.example/', secret_token: 'a b' }, /unallowed characters/],
    ['plain http', 'setWebhook', { url: 'http://x.example/' }, /HTTPS URL must be provided/],
    ['unknown file', 'getFile', { file_id: 'nothing' }, /invalid file_id/],
    ['odd action', 'sendChatAction', { chat_id: 1, action: 'dancing' }, /wrong parameter action/],
  ];
  for (const [name, method, body, expected] of refusals) {
    test(name, async () => {
      const answer = await post(method, body);
      assert.equal(answer.status, 400);
      assert.match(String(answer.body['description']), expected);
    });
  }

  test('another token', async () => {
    assert.equal((await post('getMe', {}, '1:other')).status, 401);
  });
});

test('scripted faults come once and in order', async () => {
  telegram.fail({ kind: 'rate-limit', retryAfter: 3 }, { method: 'sendMessage' });
  telegram.fail({ kind: 'blocked' }, { method: 'sendMessage' });
  const first = await post('sendMessage', { chat_id: 5, text: 'a' });
  assert.deepEqual(first.body['parameters'], { retry_after: 3 });
  assert.equal((await post('sendMessage', { chat_id: 5, text: 'a' })).status, 403);
  assert.equal((await post('sendMessage', { chat_id: 5, text: 'a' })).status, 200);
});

test('a dropped connection may have been accepted', async () => {
  const before = telegram.messages.length;
  telegram.fail({ kind: 'drop', accepted: true });
  await assert.rejects(post('sendMessage', { chat_id: 5, text: 'a' }));
  assert.equal(telegram.messages.length, before + 1);
});

test('updates are posted to the registered webhook with its secret', async () => {
  await assert.rejects(telegram.deliver({ update_id: 1 }), /setWebhook was never called/);
  const arrived: [string | undefined, string][] = [];
  const webhook = await startHttpDouble(async ({ headers, rawBody }, response) => {
    arrived.push([headers['x-telegram-bot-api-secret-token'], rawBody.toString()]);
    response.writeHead(202).end();
  });
  await post('setWebhook', { url: `${webhook.url}/webhooks/telegram/abc`, secret_token: 'a-Secret_1' });
  assert.equal(await telegram.deliver({ update_id: 1 }), 202);
  assert.deepEqual(arrived, [['a-Secret_1', '{"update_id":1}']]);
  await webhook.close();
});

test('entities are counted in UTF-16 units of the text that is left', () => {
  assert.deepEqual(parseHtml('👋 <b>a &lt; <i>b</i></b> <a href="https://example.com/?a=1&amp;b=2">link</a>'), {
    text: '👋 a < b link',
    entities: [
      { type: 'bold', offset: 3, length: 5 },
      { type: 'italic', offset: 7, length: 1 },
      { type: 'text_link', offset: 9, length: 4, url: 'https://example.com/?a=1&b=2' },
    ],
  });
  assert.deepEqual(parseMarkdownV2('*a _b_* \\. [c](https://example.com/\\))'), {
    text: 'a b . c',
    entities: [
      { type: 'bold', offset: 0, length: 3 },
      { type: 'italic', offset: 2, length: 1 },
      { type: 'text_link', offset: 6, length: 1, url: 'https://example.com/)' },
    ],
  });
});

test('Telegram reads loosely where it does: a bare ampersand, a short closing tag, an unsafe link', () => {
  assert.equal(parseHtml('a & b &nbsp; <b>c</>').text, 'a & b &nbsp; c');
  assert.deepEqual(parseHtml('<a href="javascript:alert(1)">x</a>'), { text: 'x', entities: [] });
  assert.throws(() => parseHtml('a < b'), EntityError);
  assert.throws(() => parseHtml('<b><i>a</b></i>'), /Unmatched end tag at byte offset 7, expected "<\/i>"/);
});
