import assert from 'node:assert/strict';
import { test } from 'node:test';
import { telegramCredentials } from './credentials.ts';
import { verify } from './verify.ts';

const credentials = { botToken: '7000000001:AAH-double-token-for-tests-only_0123456', secretToken: 'a-long_Secret1' };
const request = (secret?: string) => ({
  method: 'POST' as const,
  headers: { 'x-telegram-bot-api-secret-token': secret },
  query: {},
  rawBody: Buffer.from('{}'),
});

test('anything but the exact secret is refused', () => {
  for (const secret of [
    undefined,
    '',
    'a-long_Secret',
    'a-long_Secret11',
    'A-long_Secret1',
    'a-long_Secret2',
    'ä'.repeat(14),
  ]) {
    assert.equal(verify(request(secret), credentials).ok, false, String(secret));
  }
});

test('without a configured secret everything is refused, the empty header too', () => {
  for (const secret of [undefined, '', 'undefined', 'a-long_Secret1']) {
    assert.deepEqual(verify(request(secret), { ...credentials, secretToken: '' }), {
      ok: false,
      status: 401,
      reason: 'no secret token is configured',
    });
  }
});

test('the secret lets an update in', () => {
  assert.deepEqual(verify(request('a-long_Secret1'), credentials), { ok: true });
});

test('credentials that Telegram would refuse are not saved', () => {
  const wrong = [
    {},
    { botToken: credentials.botToken },
    { ...credentials, secretToken: '' },
    { ...credentials, secretToken: 'with space' },
    { ...credentials, secretToken: 'x'.repeat(257) },
    { ...credentials, botToken: 'abc' },
    { ...credentials, botToken: '1234567:AAH/../../getMe?x=012345678901' },
    { ...credentials, more: 1 },
  ];
  for (const value of wrong) assert.equal(telegramCredentials.safeParse(value).success, false, JSON.stringify(value));
  assert.equal(telegramCredentials.safeParse(credentials).success, true);
});
