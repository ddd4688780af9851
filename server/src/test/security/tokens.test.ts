import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign as signAsymmetric } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { decodeJwt } from 'jose';
import type { Inbox } from '@parley/contract';
import { connect, startTestApp } from '../app.ts';
import type { TestApp } from '../app.ts';
import { visit } from '../talk.ts';
import type { Visit } from '../talk.ts';
import { asVisitor, fileForm } from './requests.ts';

type Json = Record<string, unknown>;
type Forgery = { header?: Json; claims?: Json; secret?: string; sign?: (input: string) => string };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const hmac =
  (secret: string, hash = 'sha256') =>
  (input: string) =>
    createHmac(hash, secret).update(input).digest('base64url');
const DAY = 86_400;

describe('a forged token', () => {
  let test: TestApp;
  let inbox: Inbox;
  let visitor: Visit;
  let secret: string;

  before(async () => {
    test = await startTestApp();
    secret = test.app.config.secrets.jwtSecret;
    inbox = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: null })).data;
    visitor = await visit(test.url, inbox, 'Vera');
  });
  after(async () => {
    visitor?.socket.close();
    await test?.close();
  });

  /** The genuine token with what the forgery changes; a claim that is undefined is left out. */
  function forge(genuine: string, { header, claims, secret: other = secret, sign = hmac(other) }: Forgery): string {
    const input = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode({ ...decodeJwt(genuine), ...claims })}`;
    return `${input}.${sign(input)}`;
  }

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  /** `lifetime`: what we issue such tokens for, in seconds; `otherAudience`: that of the other kind of token */
  const forgeries = (lifetime: number, otherAudience: string): [string, Forgery][] => {
    const now = Math.floor(Date.now() / 1_000);
    return [
      ['alg none', { header: { alg: 'none' }, sign: () => '' }],
      ['alg None, signed', { header: { alg: 'None' } }],
      ['no alg', { header: { alg: undefined } }],
      ['HS512 with our secret', { header: { alg: 'HS512' }, sign: hmac(secret, 'sha512') }],
      ['HS256 that says RS256', { header: { alg: 'RS256' } }],
      [
        'RS256 of somebody',
        {
          header: { alg: 'RS256' },
          sign: (input) => signAsymmetric('sha256', Buffer.from(input), rsa.privateKey).toString('base64url'),
        },
      ],
      ['a key of its own in the header', { header: { jwk: { kty: 'oct', k: 'AAAA' } }, secret: '\u0000\u0000\u0000' }],
      ['a kid that is a path', { header: { kid: '../../dev/null' }, secret: ' ' }],
      ['another secret', { secret: 'another secret of thirty-two byte' }],
      ['no signature', { sign: () => '' }],
      ['a critical header nobody knows', { header: { crit: ['x-admin'], 'x-admin': true } }],
      ['another typ', { header: { typ: 'at+jwt' } }],
      ['no typ', { header: { typ: undefined } }],
      ['the audience of the other kind', { claims: { aud: otherAudience } }],
      ['no audience', { claims: { aud: undefined } }],
      ['another issuer', { claims: { iss: 'elsewhere' } }],
      ['no issuer', { claims: { iss: undefined } }],
      ['no subject', { claims: { sub: undefined } }],
      ['a subject that is a list', { claims: { sub: [decodeJwt(test.ownerToken).sub] } }],
      ['no exp', { claims: { exp: undefined } }],
      ['exp as text', { claims: { exp: String(now + 60) } }],
      ['exp in the past', { claims: { iat: now - lifetime - 5, exp: now - 5 } }],
      ['exp in a hundred years', { claims: { exp: now + 36_500 * DAY } }],
      ['exp a day after we would have it end', { claims: { exp: now + lifetime + DAY } }],
      ['made in the future to end there', { claims: { iat: now + 30 * DAY, exp: now + 30 * DAY + lifetime } }],
      ['no iat', { claims: { iat: undefined } }],
      ['not good before tomorrow', { claims: { nbf: now + DAY } }],
    ];
  };

  it('of an agent opens neither the API nor a socket', async () => {
    assert.equal((await test.as(forge(test.ownerToken, {}))('GET', '/me')).status, 200, 'the forger can sign');
    for (const [name, forgery] of forgeries(3_600, 'parley:visitor')) {
      const token = forge(test.ownerToken, forgery);
      const answer = await test.as(token)('GET', '/me');
      assert.equal(`${answer.status} ${answer.error?.code}`, '401 unauthorized', name);
      const isRefused = (error: unknown): boolean =>
        (error as { data?: { code?: string } }).data?.code === 'unauthorized';
      await assert.rejects(connect(test.url, { token }), isRefused, name);
    }
    for (const token of ['', '..', 'a.b.c', visitor.token, inbox.token, 'x'.repeat(500_000)])
      await assert.rejects(connect(test.url, { token }), token.slice(0, 20));
    await assert.rejects(connect(test.url, { token: { toString: 'x' } }));
  });

  it('of a visitor opens no conversation but a new one', async () => {
    const upload = async (token: string) =>
      (await asVisitor(test.url, token, 'POST', `/widget/${inbox.token}/files`, fileForm('a.txt', 'a'))).status;
    assert.equal(await upload(forge(visitor.token, {})), 201, 'the forger can sign');
    for (const [name, forgery] of [
      ...forgeries(30 * DAY, 'parley:dashboard'),
      ['another inbox', { claims: { inbox: decodeJwt(visitor.token).sub } }] as [string, Forgery],
    ]) {
      const token = forge(visitor.token, forgery);
      assert.equal(await upload(token), 401, name);
      const socket = await connect(test.url, { inbox: inbox.token, visitor: token });
      const began = await socket.call<{ conversationId: string }>('customer:start_chat', {});
      socket.close();
      assert.ok(began.success && began.data.conversationId !== visitor.conversationId, name);
    }
    assert.equal(await upload(test.ownerToken), 401);
  });
});
