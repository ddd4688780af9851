import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { startTestApp } from '../app.ts';
import type { TestApp } from '../app.ts';
import { example, fill, readOperations } from './operations.ts';
import type { Operation } from './operations.ts';
import { populate } from './world.ts';
import type { Company } from './world.ts';

/** What an answer must never tell: statements, stacks, files, drivers. */
const INTERNALS =
  /\b(select|insert into|update \w+ set|delete from)\b.*\b(from|values|where|set)\b|syntax error|\bat .+:\d+:\d+|node_modules|\.ts\b|drizzle|postgres|pglite|ECONNREFUSED|violates|Failed query|ZodError|TypeError|RangeError/i;

const STRANGE: unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  -0,
  9_007_199_254_740_992,
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  'x\udfff',
  '\u202e',
  '%',
  '%00',
  '%ff',
  '../..',
  "'",
  "' or '1'='1",
  '; drop table users',
  '{{7*7}}',
  '${7*7}',
  '__proto__',
  'constructor',
  'NaN',
  'null',
  'undefined',
  '[object Object]',
  [],
  [null],
  [[]],
  {},
  { $ne: null },
  { length: -1 },
  { toString: 1 },
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '-'.repeat(36),
  '2026-02-30T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '+010000-01-01T00:00:00Z',
  '0000-01-01T00:00:00.000Z',
  'a@b.test\u0000',
  'https://a.example/\u0000',
  'javascript:alert(1)',
  'http://[::ffff:169.254.169.254]/',
  'x'.repeat(300),
  '日'.repeat(120),
  '🤖'.repeat(90),
];
const strange = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...STRANGE) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);
const inAddress = (value: unknown): string =>
  encodeURIComponent((typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed()) || 'x';

describe('what every door does', () => {
  let test: TestApp;
  let acme: Company;
  let operations: Operation[];

  before(async () => {
    test = await startTestApp();
    acme = await populate(test, { call: test.owner, accessToken: test.ownerToken, refreshToken: '' }, 'acmecanary');
    // Hashing passwords is slow by design, and signing out ends the caller.
    operations = (await readOperations(test.url)).filter(({ path }) => !path.startsWith('/auth/'));
  });
  after(async () => {
    acme?.visitor.close();
    await test?.close();
  });

  async function send(method: string, path: string, body?: string): Promise<void> {
    const response = await fetch(`${test.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: path.startsWith('/widget') ? `Visitor ${acme.visitorToken}` : `Bearer ${test.ownerToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await response.text();
    const what = `${method} ${path} ${body ?? ''} → ${response.status} ${text}`;
    assert.ok(response.status < 500 || response.status === 503, what);
    assert.ok(response.headers.get('x-request-id'), what);
    if (response.status < 400) return;
    const { success, error } = JSON.parse(text) as { success: boolean; error: { code: string; message: string } };
    assert.equal(success, false, what);
    assert.ok(error.code && error.message, what);
    assert.ok(!INTERNALS.test(text), what);
  }

  const fields = (operation: Operation): { where: 'path' | 'query' | 'body'; name: string }[] => [
    ...operation.parameters.flatMap(({ name, in: where }) => (where === 'header' ? [] : [{ where, name }])),
    ...Object.keys(operation.body?.properties ?? {}).map((name) => ({ where: 'body' as const, name })),
  ];

  async function tryOne(operation: Operation, name: string, where: string, value: unknown): Promise<void> {
    // A removal that works would end the walk: its id is always the strange one.
    const path = fill(operation, (kind, parameter) =>
      where === 'path' && parameter === name ? '{strange}' : operation.method === 'DELETE' ? 'none' : acme.ids[kind],
    ).replace('%7Bstrange%7D', inAddress(value));
    const query = where === 'query' ? `?${name}=${inAddress(value)}` : '';
    const body = operation.body
      ? JSON.stringify({ ...Object(example(operation.body)), ...(where === 'body' ? { [name]: value } : {}) })
      : undefined;
    await send(operation.method, path + query, body);
  }

  it('answers strange values in each field of each route with an envelope, and tells nothing internal', async () => {
    const places = operations.flatMap((operation) => fields(operation).map((field) => ({ operation, ...field })));
    // Half of the values for one field, the other half for the next: all of them are too many for one run.
    const tries = places.flatMap((place, at) =>
      STRANGE.flatMap((value, index) => ((at + index) % 2 === 0 ? [{ ...place, value }] : [])),
    );
    assert.ok(tries.length > 2_000);
    const next = tries.values();
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (const { operation, name, where, value } of next) await tryOne(operation, name, where, value);
      }),
    );
  });

  it('answers whatever chance makes up, over every route', async () => {
    const target = fc.constantFrom(...operations.filter((operation) => fields(operation).length > 0));
    await fc.assert(
      fc.asyncProperty(target, fc.nat(), strange, async (operation, pick, value) => {
        const all = fields(operation);
        const field = all[pick % all.length];
        if (field) await tryOne(operation, field.name, field.where, value);
      }),
      { numRuns: 250, interruptAfterTimeLimit: 10_000, markInterruptAsFailure: false },
    );
  });

  it('takes bodies that are no JSON, and JSON that is no object, for what they are', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const bodies = [
      '',
      '{',
      'null',
      '[]',
      '1',
      '"x"',
      '{"name":1,"name":2}',
      '{"a":\u0000}',
      deep,
      `{"credentials":{"a":${deep}},"name":"x","channel":"web"}`,
    ];
    for (const operation of operations.filter(({ body }) => body))
      for (const body of bodies) {
        await send(
          operation.method,
          fill(operation, (kind) => acme.ids[kind]),
          body,
        );
        if (body === deep) break;
      }
    await send('POST', '/inboxes', bodies.at(-1));
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/xml',
      'application/json; charset=utf-16',
      '',
    ]) {
      const response = await fetch(`${test.url}/api/v1/bots`, {
        method: 'POST',
        headers: { authorization: `Bearer ${test.ownerToken}`, 'content-type': type },
        body: Buffer.from('name=x'),
      });
      assert.equal(response.status, 400, type);
    }
  });

  it('tells browsers what they may do', async () => {
    const dashboard = /frame-ancestors 'none'/;
    const doors: [string, RegExp][] = [
      ['/', dashboard],
      ['/docs', dashboard],
      ['/openapi.json', dashboard],
      ['/api/v1/me', dashboard],
      ['/nowhere', dashboard],
      ['/health', dashboard],
      [`/chat/${acme.ids.inboxToken}`, /frame-ancestors \*/],
    ];
    for (const [path, frame] of doors) {
      const response = await fetch(test.url + path, { headers: { accept: 'text/html' } });
      const header = (key: string): string => response.headers.get(key) ?? '';
      const policy = header('content-security-policy');
      assert.match(policy, frame, path);
      assert.match(policy, /default-src 'self'/, path);
      assert.match(policy, /img-src 'self' data: blob:(;|$)/, path);
      assert.match(policy, /object-src 'none'/, path);
      assert.match(policy, /base-uri 'self'/, path);
      const scripts = /(?:^|;)\s*script-src ([^;]*)/.exec(policy)?.[1] ?? '';
      assert.ok(path === '/docs' || scripts === "'self'", `${path}: ${scripts}`);
      assert.ok(!/unsafe-eval|https?:|\*/.test(scripts), `${path}: ${scripts}`);
      assert.equal(header('x-content-type-options'), 'nosniff', path);
      assert.ok(header('referrer-policy'), path);
      assert.equal(header('x-powered-by') + header('server'), '', path);
      assert.equal(header('access-control-allow-origin'), '', path);
      await response.arrayBuffer();
    }
  });

  it('lets other pages call the widget’s doors alone', async () => {
    const evil = { origin: 'https://evil.example' };
    const preflight = {
      ...evil,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    };
    const allowed = async (path: string, headers: Record<string, string>, method = 'GET') => {
      const response = await fetch(test.url + path, { method, headers });
      await response.arrayBuffer();
      assert.equal(response.headers.get('access-control-allow-credentials'), null, path);
      return response.headers.get('access-control-allow-origin');
    };
    const tricks = [
      '/api/v1/me',
      '/api/v1/auth/login',
      '/api/v1/conversations',
      '/webhooks/telegram/x',
      '/api/v1/widget/../me',
      '/api/v1/widget%2f..%2fme',
      '/api/v1/widgets',
      '/metrics',
    ];
    for (const path of tricks) {
      assert.equal(await allowed(path, evil), null, path);
      assert.equal(await allowed(path, preflight, 'OPTIONS'), null, path);
    }
    assert.equal(await allowed(`/api/v1/widget/${acme.ids.inboxToken}`, evil), '*');
  });

  it('keeps no secret in what anybody may read', async () => {
    for (const path of ['/health', '/health/ready', '/metrics', '/openapi.json', '/docs', '/demo']) {
      const text = await (await fetch(test.url + path)).text();
      for (const secret of [
        acme.mark,
        acme.ids.workspace,
        acme.ids.inboxToken,
        'password_hash',
        test.app.config.secrets.jwtSecret,
      ])
        assert.ok(!text.includes(secret), `${path} tells ${secret}`);
    }
    for (const path of [
      '/.env',
      '/../package.json',
      '/%2e%2e/package.json',
      '/..%2f..%2fserver/package.json',
      '/assets/../../package.json',
      '/widget/..%2f..%2fpackage.json',
      '//etc/passwd',
    ]) {
      const response = await fetch(test.url + path);
      const text = await response.text();
      assert.ok(!/"dependencies"|root:/.test(text), path);
    }
  });
});
