import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  MAX_ATTACHMENT_BYTES,
  MAX_CREDENTIALS_BYTES,
  MAX_JSON_BYTES,
  MAX_JSON_DEPTH,
  MAX_JSON_VALUES,
  MAX_WEBHOOK_BYTES,
} from '@parley/contract';
import type { Attachment, Failure, Inbox, KnowledgeBase, Source } from '@parley/contract';
import { connect, startTestApp, until } from '../app.ts';
import type { TestApp, TestSocket } from '../app.ts';
import { startTelegramDouble } from '../doubles/telegram.ts';
import type { TelegramDouble } from '../doubles/telegram.ts';
import { visit } from '../talk.ts';
import type { Visit } from '../talk.ts';
import { example, fill, readOperations } from './operations.ts';
import type { Operation } from './operations.ts';
import { fileForm } from './requests.ts';

const MB = 1024 * 1024;
const DOCUMENT_MB = 3;
/** An error may be this large whatever was sent. */
const FLOOR = 2_000;
const NOBODY = '01890000-0000-7000-8000-000000000000';

type Refusal = {
  status: number;
  code: string | undefined;
  details: { field: string; message: string }[];
  size: number;
};

/** What the routes that need no login take, and those that end or change one. */
const CREDENTIALS = [
  ...['login', 'refresh', 'logout', 'switch', 'setup', 'accept-invite', 'proof'],
  ...['forgot-password', 'reset-password', 'prove-address'],
].map((name) => `/auth/${name}`);

const keys = (count: number, name = (at: number) => `k${at}`): string =>
  `{${Array.from({ length: count }, (_none, at) => `${JSON.stringify(name(at))}:0`).join(',')}}`;
const nested = (levels: number): string => `${'['.repeat(levels)}0${']'.repeat(levels)}`;

describe('what one request may be', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let inbox: Inbox;
  let visitor: Visit;
  let agent: TestSocket;
  let base: string;
  let operations: Operation[];

  before(async () => {
    telegram = await startTelegramDouble();
    test = await startTestApp({ MAX_DOCUMENT_MB: String(DOCUMENT_MB), CHANNEL_TELEGRAM_API_URL: telegram.url });
    inbox = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: null })).data;
    base = (await test.owner<KnowledgeBase>('POST', '/knowledge-bases', { name: 'Help', description: '' })).data.id;
    visitor = await visit(test.url, inbox, 'Vera');
    agent = await connect(test.url, { token: test.ownerToken });
    operations = await readOperations(test.url);
  });
  after(async () => {
    visitor?.socket.close();
    agent?.close();
    await test?.close();
    await telegram?.close();
  });

  async function send(path: string, body: string, method = 'POST'): Promise<Refusal> {
    const headers = { authorization: `Bearer ${test.ownerToken}`, 'content-type': 'application/json' };
    const sent = { method, headers, body, signal: AbortSignal.timeout(10_000) };
    const response = await fetch(test.url + path, sent);
    const text = await response.text();
    const { error } = JSON.parse(text) as Partial<Failure>;
    return { status: response.status, code: error?.code, details: error?.details ?? [], size: text.length };
  }
  const outcome = ({ status, code }: Refusal): string => `${status} ${code}`;
  const taking = (path: string, bytes: number) =>
    send(path, JSON.stringify({ text: 'x'.repeat(bytes - 11) })).then(outcome);
  const pathOf = (operation: Operation): string => `/api/v1${fill(operation, () => NOBODY)}`;

  it('is 64 kB where a secret is taken', async () => {
    for (const path of CREDENTIALS) {
      assert.equal(await taking(`/api/v1${path}`, MAX_CREDENTIALS_BYTES + 1), '413 payload_too_large', path);
      assert.equal(await taking(`/api/v1${path}`, MAX_CREDENTIALS_BYTES), '400 bad_request', path);
    }
    const listed = operations.filter(({ path, body }) => path.startsWith('/auth/') && body).map(({ path }) => path);
    assert.deepEqual(listed.sort(), [...CREDENTIALS].sort(), 'each of them is here');
  });

  it('is 1 MB of JSON on every other route, and 64 kB where no route is', async () => {
    const others = operations.filter(({ path, body }) => body && !path.startsWith('/auth/'));
    assert.ok(others.length > 15);
    for (const operation of others) {
      const body = JSON.stringify({ text: 'x'.repeat(MAX_JSON_BYTES) });
      assert.equal(outcome(await send(pathOf(operation), body, operation.method)), '413 payload_too_large');
    }
    assert.match(await taking('/api/v1/bots', MAX_JSON_BYTES), /^400 bad_request/);
    for (const path of ['/nowhere', '/api/v1/nowhere'])
      assert.equal(await taking(path, MAX_CREDENTIALS_BYTES + 1), '413 payload_too_large');
  });

  it('is 10 MB of a webhook', async () => {
    const credentials = { botToken: telegram.token, secretToken: 'a-secret-of-ours' };
    const made = { name: 'Telegram', channel: 'telegram', botId: null, credentials };
    const { data } = await test.owner<Inbox>('POST', '/inboxes', made);
    const path = `/webhooks/telegram/${data.token}`;
    assert.match(await taking(path, MAX_WEBHOOK_BYTES), /^40[13] /, 'read, and found to be forged');
    assert.equal(await taking(path, MAX_WEBHOOK_BYTES + 1), '413 payload_too_large');
  });

  it('that says it is larger, or does not say and is, is refused while the next one on the connection is answered', async () => {
    const post = (headers: Record<string, string>, body: string) =>
      new Promise<number>((resolve, reject) => {
        const sent = request(`${test.url}/api/v1/auth/login`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          signal: AbortSignal.timeout(10_000),
        });
        sent.on('response', (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
        });
        sent.on('error', reject);
        sent.end(body);
      });
    const large = keys(100_000);
    assert.equal(await post({ 'content-length': String(large.length) }, large), 413);
    assert.equal(await post({ 'transfer-encoding': 'chunked' }, large), 413);
    assert.equal(await post({}, '{}'), 400);
  });

  it('is a file of 25 MB, or a document of MAX_DOCUMENT_MB, that leaves nothing behind on the way', async () => {
    const upload = (path: string, bytes: number) =>
      test.owner<Attachment | Source>('POST', path, fileForm('a.txt', Buffer.alloc(bytes, 'a')));
    const passing = () => readdirSync(join(test.dataDir, 'uploads'));
    const documents = `/knowledge-bases/${base}/documents`;
    const whole = await upload('/files', MAX_ATTACHMENT_BYTES);
    assert.equal(whole.status, 201);
    for (const [path, bytes] of [
      ['/files', MAX_ATTACHMENT_BYTES + 1],
      ['/files', MAX_ATTACHMENT_BYTES + MB],
      [documents, DOCUMENT_MB * MB + 1],
    ] as const) {
      const refused = await upload(path, bytes);
      assert.equal(`${refused.status} ${refused.error?.code}`, '413 payload_too_large', `${path} ${bytes}`);
    }
    assert.equal((await upload(documents, DOCUMENT_MB * MB)).status, 201);
    assert.deepEqual(passing(), []);
    const back = await fetch(`${test.url}/api/v1/files/${whole.data.id}`, {
      headers: { authorization: `Bearer ${test.ownerToken}` },
    });
    const bytes = Buffer.from(await back.arrayBuffer());
    assert.ok(bytes.equals(Buffer.alloc(MAX_ATTACHMENT_BYTES, 'a')));
    assert.equal(back.headers.get('content-length'), String(MAX_ATTACHMENT_BYTES));
  });

  it('leaves no part of a file behind when its sender goes away', async () => {
    const passing = () => readdirSync(join(test.dataDir, 'uploads')).length;
    const sent = request(`${test.url}/api/v1/files`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${test.ownerToken}`,
        'content-type': 'multipart/form-data; boundary=b',
        'content-length': String(2 * MB),
      },
    });
    sent.on('error', () => undefined);
    sent.write('--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n');
    sent.write(Buffer.alloc(MB, 'a'));
    await until(async () => passing() === 1, 'the file is on its way');
    sent.destroy();
    await until(async () => passing() === 0, 'the part of it is gone');
  });

  it('nests no deeper and has no more keys than anything here has', async () => {
    const field = (json: string) => send('/api/v1/bots', `{"name":${json}}`);
    assert.equal(outcome(await field(nested(MAX_JSON_DEPTH))), '400 json_too_complex');
    assert.equal(outcome(await field(nested(MAX_JSON_DEPTH - 1))), '400 bad_request');
    assert.equal(outcome(await field(nested(100_000))), '400 json_too_complex');
    assert.equal(outcome(await field(`[${'0,'.repeat(MAX_JSON_VALUES)}0]`)), '400 json_too_complex');
    assert.equal(outcome(await send('/api/v1/bots', keys(MAX_JSON_VALUES + 1))), '400 json_too_complex');
    assert.equal(outcome(await send('/api/v1/bots', keys(MAX_JSON_VALUES))), '400 bad_request');
    // What stands in a text is no key.
    const text = JSON.stringify(`${'{"a":[1,"\\'.repeat(20_000)}`);
    assert.equal(outcome(await send('/api/v1/bots', `{"name":${text}}`)), '400 bad_request');
  });

  it('is answered by an error that names ten fields and is no larger than it', async () => {
    const bodies = [
      keys(9_999),
      keys(50, (at) => `${at}${'ä'.repeat(900)}`),
      keys(50, (at) => `${at}${'\u0001'.repeat(500)}`),
      keys(50, (at) => `${at}${'🤖'.repeat(200)}`),
      keys(3, (at) => `${at}\ud800`),
      `{"languages":[${'0,'.repeat(9_000)}0]}`,
      `{"suggestedQuestions":[${`"",`.repeat(9_000)}""],"${'x'.repeat(300_000)}":0}`,
      `{"model":"${'x'.repeat(500_000)}"}`,
    ];
    for (const [index, body] of bodies.entries()) {
      const answer = await send('/api/v1/bots', body);
      assert.equal(outcome(answer), '400 bad_request', String(index));
      assert.ok(answer.details.length >= 1 && answer.details.length <= 10, `${index}: ${answer.details.length}`);
      assert.ok(answer.size <= Math.max(FLOOR, body.length), `${index}: ${answer.size} of ${body.length}`);
      for (const { field, message } of answer.details) assert.ok(field.length <= 80 && message.length <= 200);
    }
    const ten = await send('/api/v1/bots', keys(50));
    assert.equal(ten.details.length, 10);
    assert.deepEqual(ten.details[1], { field: 'k0', message: 'is not known here' });
  });

  it('is as modest when it comes over a socket', async () => {
    const visits = (payload: unknown) => visitor.socket.call('customer:start_chat', payload);
    const works = (payload: unknown) => agent.call('conversation:subscribe', payload);
    for (const ask of [visits, works]) {
      const many = await ask(JSON.parse(keys(9_999)));
      assert.ok(!many.success && many.error.details?.length === 10, JSON.stringify(many).slice(0, 300));
      assert.deepEqual(many.error.details.at(-1)?.message, 'is not known here');
      assert.ok(JSON.stringify(many).length <= FLOOR);
      for (const payload of [keys(MAX_JSON_VALUES + 1), nested(MAX_JSON_DEPTH + 1)]) {
        const refused = await ask(JSON.parse(payload));
        assert.equal(!refused.success && refused.error.code, 'json_too_complex');
      }
    }
    // Deeper than a client can write it.
    const { engine } = visitor.socket.socket.io;
    const answered = new Promise<string>((resolve) =>
      engine.on('data', (data: unknown) => {
        if (typeof data === 'string' && data.startsWith('3999')) resolve(data);
      }),
    );
    engine.send(`2999["customer:start_chat",${nested(100_000)}]`);
    assert.match(await answered, /json_too_complex/);
    const large = await connect(test.url, { inbox: inbox.token });
    const cut = new Promise((resolve) => large.socket.once('disconnect', resolve));
    large.socket.emit('customer:start_chat', { name: 'x'.repeat(2 * MB) });
    await cut;
  });

  it('leaves neither memory nor a stall behind: 7 MB of unknown keys to every door', async () => {
    const attack = keys(600_000);
    assert.ok(attack.length > 7_000_000);
    for (const path of ['/auth/login', '/auth/setup', '/bots', '/nowhere']) {
      const answer = await send(`/api/v1${path}`, attack);
      assert.equal(answer.status, 413, path);
      assert.ok(answer.size < FLOOR);
    }
  });
});

describe('what an address may ask for', () => {
  let test: TestApp;
  let operations: Operation[];
  before(async () => {
    test = await startTestApp();
    operations = await readOperations(test.url);
  });
  after(() => test?.close());

  const ask = async (path: string): Promise<string> => {
    const { status, error } = await test.owner('GET', path);
    return `${status} ${error?.code}`;
  };

  it('is refused on every route with a parameter nobody knows', async () => {
    assert.ok(operations.length > 50);
    for (const operation of operations) {
      const path = `${fill(operation, () => NOBODY)}?nonsense=1`;
      const body = operation.body ? example(operation.body) : undefined;
      const { status, error } = await test.owner<never>(operation.method, path, body);
      const what = `${operation.method} ${path} ${status} ${JSON.stringify(error)}`;
      assert.equal(status, 400, what);
      if (!body)
        assert.ok(
          error?.details?.some(({ field }) => field === 'nonsense'),
          what,
        );
    }
  });

  it('is not taken for everything when a filter is wrong', async () => {
    for (const path of [
      '/conversations?status=',
      '/conversations?status=open',
      '/conversations?status=bot&status=agent',
      '/conversations?status[]=bot',
      '/conversations?state=bot',
      '/conversations?inboxId=1',
      '/conversations?inboxId=',
      '/conversations?contactId=me',
      '/conversations?assigneeId=everybody',
      '/conversations?label=',
      '/conversations?cursor=nonsense',
      '/conversations?limit=',
      '/conversations?limit=0',
      '/conversations?limit=101',
      '/conversations?limit=1e1',
      '/conversations?limit=0x10',
      '/conversations?limit=-1',
      '/conversations?limit=1&limit=2',
      '/conversations?Status=bot',
      `/conversations/${NOBODY}/messages?after=`,
      `/conversations/${NOBODY}/messages?after=-1`,
      `/conversations/${NOBODY}/messages?cursor=x`,
      '/contacts?name=x',
      '/contacts?cursor=x',
      '/bots?page=0',
      '/bots?page=first',
      '/bots?page=%31%30x',
      '/me?userId=1',
    ])
      assert.equal(await ask(path), '400 bad_request', path);
    assert.equal(await ask('/conversations?status=bot,agent&assigneeId=me&limit=5&q='), '200 undefined');
  });

  it('is one route: an id that is none is wrong, a slash at the end means nothing, and two are another address', async () => {
    for (const id of ['1', 'null', '%00', `${NOBODY}x`, '..%2f', "'"])
      for (const noun of ['bots', 'conversations', 'contacts', 'inboxes', 'sources', 'files'])
        assert.match(await ask(`/${noun}/${id}`), /^(400 bad_request|404 (not|route_not)_found)$/, `${noun} ${id}`);
    assert.equal(await ask('/bots/'), '200 undefined');
    assert.equal(await ask(`/bots/${NOBODY}/`), '404 not_found');
    for (const path of ['/nowhere', '//bots', '/bots//', `/bots//${NOBODY}`, '/bots/x/y/z', ''])
      assert.equal(await ask(path), '404 route_not_found', path);
    assert.equal((await test.owner('PUT', '/bots')).error?.code, 'route_not_found');
  });
});
