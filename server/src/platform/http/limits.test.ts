import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { success } from '@parley/contract';
import { z } from 'zod';
import { buildHttp } from '../../test/http-server.ts';
import { createLogger } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createHttp, ok } from './index.ts';
import type { Http, SignedIn } from './index.ts';
import { createProxies } from './proxies.ts';

const caller = (userId: string, workspaceId: string, plan?: string): SignedIn => ({
  userId,
  sessionId: userId,
  name: userId,
  email: `${userId}@example.com`,
  workspaceId,
  role: 'agent',
  permissions: new Set(['bots:read']),
  ...(plan ? { apiKey: { plan } } : {}),
});

const callers: Record<string, SignedIn> = {
  ada: caller('ada', 'acme'),
  grace: caller('grace', 'acme'),
  'key-one': caller('ada', 'acme', 'free'),
  'key-two': caller('grace', 'acme', 'free'),
  'key-elsewhere': caller('mallory', 'strangers', 'free'),
  'key-paid': caller('edsger', 'payers', 'business'),
};

describe('limits of requests', () => {
  let http: Http;
  before(async () => {
    http = await createHttp({
      config: { publicUrl: 'http://127.0.0.1:3000' },
      log: createLogger({ level: 'silent' }),
      metrics: createMetrics({ defaults: false }),
      limits: { perMinute: 30, credentialsPerMinute: 2, personPerMinute: 4, keysPerMinute: { free: 3, paid: 6 } },
      proxies: createProxies(['10.0.0.0/8']),
      authenticate: async ({ headers }) => callers[headers.authorization ?? ''] ?? null,
    });
    const response = { 200: success(z.string()) };
    http.get('/api/v1/open', { config: { permission: 'public' }, schema: { response } }, async ({ ip }) => ok(ip));
    http.get('/api/v1/bots', { config: { permission: 'bots:read' }, schema: { response } }, async () => ok(''));
  });
  after(() => http.close());

  const ask = (url: string, from: string, headers: Record<string, string> = {}) =>
    http.inject({ url: `/api/v1${url}`, remoteAddress: from, headers });
  let fresh = 0;
  /** from an address nobody used */
  const as = (authorization: string) => ask('/bots', `192.0.2.${++fresh}`, { authorization });
  const statuses = async (count: number, one: () => ReturnType<typeof ask>): Promise<number[]> => {
    const seen: number[] = [];
    for (let index = 0; index < count; index += 1) seen.push((await one()).statusCode);
    return seen;
  };

  it('the keys of a workspace share what its plan allows, and touch neither its people nor others', async () => {
    assert.deepEqual(await statuses(2, () => as('key-one')), [200, 200]);
    assert.deepEqual(await statuses(2, () => as('key-two')), [200, 429]);
    assert.deepEqual(await statuses(1, () => as('key-one')), [429]);
    assert.deepEqual(await statuses(1, () => as('key-elsewhere')), [200]);
    assert.deepEqual(await statuses(7, () => as('key-paid')), [200, 200, 200, 200, 200, 200, 429]);
    assert.deepEqual(await statuses(5, () => as('ada')), [200, 200, 200, 200, 429]);
    assert.deepEqual(await statuses(1, () => as('grace')), [200]);
  });

  it('say how much is left and when to come back', async () => {
    const first = await as('key-elsewhere');
    assert.deepEqual(
      ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'].map((name) => Number(first.headers[name])),
      [3, 1, 40],
    );
    await as('key-elsewhere');
    const refused = await as('key-elsewhere');
    assert.equal(refused.statusCode, 429);
    assert.equal(refused.headers['ratelimit-remaining'], '0');
    assert.ok(Number(refused.headers['retry-after']) >= 1);
    assert.equal(refused.json().error.code, 'too_many_requests');
  });

  it('a forged address is nobody’s: who claims many shares one bucket', async () => {
    const forged = (index: number) => ask('/open', '203.0.113.5', { 'x-forwarded-for': `198.51.100.${index}` });
    const seen = await Promise.all(Array.from({ length: 31 }, (_, index) => forged(index)));
    assert.deepEqual(new Set(seen.slice(0, 30).map((answer) => answer.json().data)), new Set(['203.0.113.5']));
    assert.equal(seen.at(-1)?.statusCode, 429);
  });

  it('behind a trusted proxy every visitor has a bucket, whatever they claim in front of it', async () => {
    const through = (client: string) => ask('/open', '10.0.0.1', { 'x-forwarded-for': `1.2.3.4, ${client}` });
    assert.equal((await through('198.51.100.1')).json().data, '198.51.100.1');
    assert.ok((await statuses(30, () => through('198.51.100.2'))).every((status) => status === 200));
    assert.equal((await through('198.51.100.2')).statusCode, 429);
    assert.equal((await through('198.51.100.3')).statusCode, 200);
  });

  it('one customer with many addresses of IPv6 is one', async () => {
    const from = (index: number) => ask('/open', `2001:db8:1:2::${index.toString(16)}`);
    const seen = await Promise.all(Array.from({ length: 31 }, (_, index) => from(index + 1)));
    assert.equal(seen.at(-1)?.statusCode, 429);
    assert.equal((await ask('/open', '2001:db8:1:3::1')).statusCode, 200);
  });
});

describe('the limit for credentials', () => {
  it('answers 429 with Retry-After, and believes no forwarded address', async () => {
    const http = await buildHttp({ credentialsPerMinute: 3 });
    const attempt = (index: number) =>
      http.inject({ method: 'POST', url: '/api/v1/login', headers: { 'x-forwarded-for': `10.0.0.${index}` } });
    for (let index = 0; index < 3; index++) assert.equal((await attempt(index)).statusCode, 200);
    const refused = await attempt(4);
    assert.equal(refused.statusCode, 429);
    assert.equal(refused.json().error.code, 'too_many_requests');
    assert.ok(Number(refused.headers['retry-after']) >= 1);
    assert.equal((await http.inject({ url: '/api/v1/id' })).statusCode, 200);
    await http.close();
  });
});

describe('the limit for everything else', () => {
  it('counts a request however its address is spelled', async () => {
    const http = await buildHttp({ perMinute: 2 });
    const statuses: number[] = [];
    for (const url of ['/api/v1/id', '/%61pi/v1/id', '/%61%70i/v1/id']) {
      statuses.push((await http.inject({ url })).statusCode);
    }
    assert.deepEqual(statuses, [200, 200, 429]);
    await http.close();
  });
});
