/** Sending and connecting against the Bot API double, through the product's own breaker and HTTP door. */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import type { Attachment } from '@parley/contract';
import { createOutbound } from '../../platform/outbound/breaker.ts';
import { createLogger } from '../../platform/telemetry/log.ts';
import { startTelegramDouble } from '../../test/doubles/telegram.ts';
import { contextOf } from '../../test/send-context.ts';
import type { ChannelHttp, Part } from '../contract.ts';
import { createChannelHttp } from '../http.ts';
import { telegram } from './index.ts';

const double = await startTelegramDouble();
after(() => double.close());
const credentials = { botToken: double.token, secretToken: 'a-long_Secret1' };
const secret = double.token.split(':')[1] ?? '';

const door = (baseUrl: string): ChannelHttp =>
  createChannelHttp({
    channel: telegram,
    baseUrl,
    outbound: createOutbound({ log: createLogger({ level: 'silent' }) }),
    readFile: async () => Buffer.from('the bytes'),
  });
let http = door(double.url);
// A breaker of its own for each test: what one test breaks must not be the next one's weather.
beforeEach(() => {
  http = door(double.url);
});

const textPart = (text: string): Part => ({ ordinal: 0, method: 'sendMessage', body: { text, parse_mode: 'HTML' } });
const send = (part: Part, threadKey = '412587349') => telegram.send(part, contextOf(threadKey), credentials, http);
const picture: Attachment = {
  id: '0198c4a3-22bb-7f00-8c00-5d1f6b8e4a13',
  name: 'a "b".png',
  mime: 'image/png',
  size: 9,
};

describe('what did not arrive', () => {
  test('too many: comes again when Telegram says', async () => {
    double.fail({ kind: 'rate-limit', retryAfter: 17 });
    assert.deepEqual(await send(textPart('a')), {
      outcome: 'retry',
      afterMs: 17_000,
      reason: 'Telegram: Too Many Requests: retry after 17',
    });
  });

  test('an outage, with a page that is not JSON, and a lost connection: come again', async () => {
    double.fail({ kind: 'bad-gateway' });
    double.fail({ kind: 'error', code: 500, description: 'Internal Server Error' });
    double.fail({ kind: 'drop', accepted: false });
    for (let round = 0; round < 3; round += 1) assert.equal((await send(textPart('a'))).outcome, 'retry');
  });

  test('nobody listens: come again, and the breaker opens', async () => {
    const gone = await startTelegramDouble();
    await gone.close();
    http = door(gone.url);
    for (let round = 0; round < 6; round += 1) assert.equal((await send(textPart('a'))).outcome, 'retry');
    const result = await send(textPart('a'));
    assert.ok(result.outcome === 'retry' && result.afterMs > 30_000, 'waits for the breaker');
  });

  test('no answer in time', async () => {
    double.fail({ kind: 'hang' });
    const impatient: ChannelHttp = { ...http, fetch: (path, init) => http.fetch(path, { ...init, timeoutMs: 50 }) };
    const result = await telegram.send(textPart('a'), contextOf('1'), credentials, impatient);
    assert.equal(result.outcome, 'retry');
  });

  test('blocked: failed, and the customer is out of reach', async () => {
    double.blockedChats.add('55');
    const result = await send(textPart('a'), '55');
    assert.ok(result.outcome === 'failed' && result.unreachable === true);
    assert.match(result.reason, /blocked by the user/);
  });

  test('no such chat, a text too long, a revoked token: failed', async () => {
    double.unknownChats.add('66');
    assert.deepEqual(await send(textPart('a'), '66'), {
      outcome: 'failed',
      reason: 'Telegram: Bad Request: chat not found',
      code: '400',
      retryable: false,
    });
    assert.equal((await send(textPart('a'.repeat(5000)))).outcome, 'failed');
    const revoked = { ...credentials, botToken: '7000000001:AAH-another-token-for-tests-only_012345' };
    const result = await telegram.send(textPart('a'), contextOf('1'), revoked, http);
    const reason = 'Telegram does not accept the bot token';
    assert.deepEqual(result, { outcome: 'failed', reason, code: '401', disconnected: true });
  });
});

describe('what arrived', () => {
  test('a text', async () => {
    const result = await send(textPart('<b>hello</b> &amp; welcome'));
    const message = double.messages.at(-1);
    assert.equal(message?.text, 'hello & welcome');
    assert.deepEqual(message.entities, [{ type: 'bold', offset: 0, length: 5 }]);
    assert.deepEqual(result, { outcome: 'sent', platformId: `412587349/${message.messageId}` });
  });

  test('in the topic of a forum', async () => {
    await send(textPart('a'), '-1001947283650:40');
    const { params } = double.calls.at(-1) ?? {};
    assert.equal(params?.['chat_id'], -1001947283650);
    assert.equal(params['message_thread_id'], 40);
  });

  test('in plain words when Telegram refuses the marks', async () => {
    double.fail({ kind: 'error', code: 400, description: "Bad Request: can't parse entities: unsupported" });
    assert.equal((await send(textPart('<b>5 &lt; 6</b>'))).outcome, 'sent');
    const message = double.messages.at(-1);
    assert.equal(message?.text, '5 < 6');
    assert.equal(message.parseMode, undefined);
  });

  test('in the supergroup a group became, with its new key', async () => {
    double.migratedChats.set('-77', -1007777);
    const result = await send(textPart('a'), '-77');
    assert.ok(result.outcome === 'sent' && result.movedTo === '-1007777');
    assert.match(result.platformId, /^-1007777\//);
    assert.equal(double.messages.at(-1)?.chatId, '-1007777');
  });

  test('a picture, and as a file when Telegram will not take it as one', async () => {
    const part: Part = { ordinal: 0, method: 'sendPhoto', body: {}, attachment: picture };
    assert.equal((await send(part)).outcome, 'sent');
    assert.deepEqual(double.messages.at(-1)?.file, { name: 'a "b".png', mime: 'image/png', size: 9 });
    double.fail({ kind: 'error', code: 400, description: 'Bad Request: PHOTO_INVALID_DIMENSIONS' });
    assert.equal((await send(part)).outcome, 'sent');
    assert.equal(double.messages.at(-1)?.method, 'sendDocument');
  });

  test('typing, whether or not Telegram cares', async () => {
    await telegram.typing?.(contextOf('412587349'), credentials, http);
    assert.deepEqual(double.calls.at(-1)?.params, { chat_id: 412587349, action: 'typing' });
    await telegram.typing?.(contextOf('55'), credentials, http);
  });
});

describe('files', () => {
  const media = (reference: string, size?: number) => ({
    kind: 'document' as const,
    reference,
    ...(size ? { size } : {}),
  });
  const fetchMedia = (reference: string, size?: number) =>
    telegram.fetchMedia?.(media(reference, size), credentials, http);

  test('over 20 MB are refused, said beforehand or not', async () => {
    const calls = double.calls.length;
    await assert.rejects(async () => fetchMedia('huge', 21 * 1024 * 1024), { code: 'payload_too_large' });
    assert.equal(double.calls.length, calls, 'not even asked for');
    double.addFile('huge', Buffer.alloc(10), { size: 21 * 1024 * 1024 });
    await assert.rejects(async () => fetchMedia('huge'), { code: 'payload_too_large' });
    double.addFile('lying', Buffer.alloc(21 * 1024 * 1024), { size: 10 });
    await assert.rejects(async () => fetchMedia('lying'), { code: 'payload_too_large' });
  });

  test('a file that is gone, and a path that leads elsewhere', async () => {
    await assert.rejects(async () => fetchMedia('gone'), { code: 'bad_request' });
    double.addFile('odd', Buffer.from('x'), { path: '../bot/getMe' });
    await assert.rejects(async () => fetchMedia('odd'), { code: 'bad_request' });
  });

  test('bytes and name', async () => {
    double.addFile('doc', Buffer.from('%PDF-'), { path: 'documents/file 7.pdf' });
    assert.deepEqual(await fetchMedia('doc'), { bytes: Buffer.from('%PDF-'), name: 'file 7.pdf' });
  });
});

describe('connecting', () => {
  const webhookUrl = 'https://parley.example.com/webhooks/telegram/abc';

  test('a wrong token is said in words, without the token', async () => {
    const wrong = { ...credentials, botToken: '7000000001:AAH-another-token-for-tests-only_012345' };
    await assert.rejects(
      async () => telegram.connect?.(wrong, { webhookUrl }, http),
      (error: Error) => {
        assert.match(error.message, /does not know this bot token/);
        assert.doesNotMatch(JSON.stringify(error) + error.stack, /AAH-another/);
        return true;
      },
    );
  });

  test('an address Telegram cannot reach is said in words', async () => {
    const unreachable = { webhookUrl: 'http://parley.example.com/webhooks/telegram/abc' };
    await assert.rejects(
      async () => telegram.connect?.(credentials, unreachable, http),
      /public HTTPS address: check PUBLIC_URL/,
    );
    assert.equal(double.webhook(), undefined);
  });

  test('Telegram busy or away is not the owner’s mistake', async () => {
    double.fail({ kind: 'rate-limit', retryAfter: 5 });
    await assert.rejects(async () => telegram.connect?.(credentials, { webhookUrl }, http), {
      status: 429,
      retryAfter: 5,
    });
    double.fail({ kind: 'bad-gateway' });
    await assert.rejects(async () => telegram.connect?.(credentials, { webhookUrl }, http), { status: 503 });
  });

  test('registers our address with our secret, and lets go of it', async () => {
    const connection = await telegram.connect?.(credentials, { webhookUrl }, http);
    assert.deepEqual(connection, { displayName: 'Parley', externalId: '7000000001', detail: '@parley_bot' });
    assert.equal(double.webhook()?.url, webhookUrl);
    assert.equal(double.webhook()?.secretToken, credentials.secretToken);
    await telegram.disconnect?.(credentials, http);
    assert.equal(double.webhook(), undefined);
  });
});

test('no error carries the token, however the network fails', async () => {
  const failures: Error[] = [
    new TypeError(`Failed to parse URL from http://x/bot${double.token}/sendMessage`),
    Object.assign(new Error('fetch failed'), { cause: new Error(`connect http://x/bot${double.token}`) }),
  ];
  for (const failure of failures) {
    const broken: ChannelHttp = { ...http, fetch: () => Promise.reject(failure) };
    const result = await telegram.send(textPart('a'), contextOf('1'), credentials, broken);
    assert.ok(!JSON.stringify(result).includes(secret));
    await assert.rejects(
      async () => telegram.connect?.(credentials, { webhookUrl: 'https://x/' }, broken),
      (error: Error) => {
        assert.ok(!`${JSON.stringify(error)}${error.stack}${String(error.cause)}`.includes(secret));
        return true;
      },
    );
  }
  const quoting = {
    status: 400,
    headers: {},
    body: Buffer.from(JSON.stringify({ ok: false, description: `bad /bot${double.token}/` })),
  };
  const echo: ChannelHttp = { ...http, fetch: () => Promise.resolve(quoting) };
  const result = await telegram.send(textPart('a'), contextOf('1'), credentials, echo);
  assert.ok(result.outcome === 'failed' && !result.reason.includes(secret));
});
