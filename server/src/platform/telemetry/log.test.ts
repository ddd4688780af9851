import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, currentRequestId, runWithContext } from './log.ts';
import type { Logger } from './log.ts';
import { HttpStatusError } from '../outbound/breaker.ts';

/** Everything a logger wrote, as text and as records. */
const capture = (level = 'trace') => {
  const lines: string[] = [];
  const log = createLogger({ level }, { write: (line: string) => lines.push(line) });
  return {
    log,
    text: () => lines.join(''),
    records: () => lines.map((line): Record<string, unknown> => JSON.parse(line)),
  };
};

const SECRET = 'correct-horse-battery-staple';

const hidden: [string, (log: Logger) => void][] = [
  ['headers', (log) => log.info({ headers: { authorization: `Bearer ${SECRET}`, cookie: `sid=${SECRET}` } })],
  ['credentials of a channel', (log) => log.info({ inbox: { credentials: { anything: SECRET } } })],
  ['secrets by any name', (log) => log.info({ botToken: SECRET, list: [{ deep: { webhookSecret: SECRET } }] })],
  [
    'passwords and keys',
    (log) => log.info({ password: SECRET, apiKey: SECRET, api_key: SECRET, ENCRYPTION_KEYS_TOKEN: SECRET }),
  ],
  ['the text of a message', (log) => log.info({ message: { id: '1', text: SECRET, body: SECRET }, content: [SECRET] })],
  ['a message given as a string', (log) => log.info({ message: SECRET })],
  ['child bindings', (log) => log.child({ token: SECRET, nested: { text: SECRET } }).info('x')],
  [
    'bindings of a grandchild with options',
    (log) => log.child({}, { level: 'info' }).child({ secret: SECRET }).info('x'),
  ],
  [
    'bindings set later',
    (log) => {
      const child = log.child({});
      child.setBindings({ text: SECRET });
      child.info('x');
    },
  ],
  ['a bearer header in the message', (log) => log.info(`sent Authorization: Bearer ${SECRET}`)],
  [
    'a token in an address',
    (log) => log.info({ url: `https://x.test/a?token=${SECRET}&b=1` }, `GET /webhooks/line/${SECRET}`),
  ],
  ['a password in an address', (log) => log.error(new Error(`connect postgres://parley:${SECRET}@db/parley`))],
  [
    'the query string of a request',
    (log) => log.info({ req: { method: 'GET', url: `/x?any=${SECRET}`, headers: { a: SECRET } } }),
  ],
  ['the answer of a service', (log) => log.error({ err: new HttpStatusError(500, SECRET) }, 'failed')],
  [
    'fields of an error',
    (log) => log.error(Object.assign(new Error('x'), { requestBodyValues: SECRET, detail: SECRET })),
  ],
  [
    'objects of a class',
    (log) =>
      log.info({
        thing: new (class Thing {
          inner = SECRET;
        })(),
      }),
  ],
  ['bytes', (log) => log.info({ raw: Buffer.from(SECRET) })],
];

for (const [what, write] of hidden) {
  test(`hidden: ${what}`, () => {
    const { log, text } = capture();
    write(log);
    assert.notEqual(text(), '');
    assert.doesNotMatch(text(), new RegExp(SECRET));
    assert.doesNotMatch(text(), new RegExp(Buffer.from(SECRET).toString('base64').slice(0, 20)));
  });
}

test('the values of a failed query are cut from message, stack and cause, however the error is logged', () => {
  const query = 'insert into messages values ($1)';
  const make = () => {
    const error = new Error(`Failed query: ${query}\nparams: ${SECRET}\n    at nowhere`);
    return Object.assign(error, { query, params: [SECRET] });
  };
  const { log, text } = capture();
  log.error(make());
  log.error({ err: make() });
  log.error({ err: make() }, 'failed');
  log.error({ other: make() }, 'failed');
  log.error(new Error('outer', { cause: make() }));
  assert.match(text(), /insert into messages/);
  assert.doesNotMatch(text(), new RegExp(SECRET));
});

test('known shapes of tokens are hidden in running text', () => {
  const { log, text } = capture();
  const tokens = [
    '123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1',
    'sk-proj-abcdefghijklmnop1234',
    'xoxb-1234567890-abcdefghijk',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  ];
  for (const token of tokens) log.info(`the platform refused ${token} today`);
  for (const token of tokens) assert.ok(!text().includes(token), token);
});

test('ids, counts and flags stay readable, and lines are JSON', () => {
  const { log, records } = capture();
  log.info({ conversationId: 'c1', inputTokens: 12, passwordSet: true, at: new Date(0), list: [1, 2] }, 'answered');
  const [record] = records();
  assert.equal(record?.msg, 'answered');
  assert.equal(record?.level, 'info');
  assert.deepEqual(
    [record?.conversationId, record?.inputTokens, record?.passwordSet, record?.at, record?.list],
    ['c1', 12, true, '1970-01-01T00:00:00.000Z', [1, 2]],
  );
});

test('circular, huge and hostile objects do not break the log', () => {
  const { log, records } = capture();
  const circular: Record<string, unknown> = { a: 1 };
  circular.self = circular;
  log.info({ circular, wide: Array.from({ length: 10_000 }, () => 1), long: 'x'.repeat(1_000_000), big: 1n });
  assert.ok(JSON.stringify(records()).length < 20_000);
});

test('the request id follows the work through awaits, and only that work', async () => {
  const { log, records } = capture();
  await Promise.all(
    ['r1', 'r2'].map((requestId) =>
      runWithContext({ requestId, workspaceId: `w-${requestId}` }, async () => {
        await Promise.resolve();
        log.info({ expected: currentRequestId() }, 'inside');
      }),
    ),
  );
  log.info('outside');
  const [first, second, outside] = records();
  assert.deepEqual([first?.requestId, first?.workspaceId], ['r1', 'w-r1']);
  assert.deepEqual([second?.requestId, second?.expected], ['r2', 'r2']);
  assert.equal(outside?.requestId, undefined);
  assert.equal(currentRequestId(), undefined);
});

test('the level is heeded', () => {
  const { log, text } = capture('warn');
  log.info('quiet');
  assert.equal(text(), '');
});
