import assert from 'node:assert/strict';
import { connect as connectTo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Conversation, Inbox, Message } from '@parley/contract';
import { verify } from '../../channels/telegram/verify.ts';
import { startTestApp, until } from '../app.ts';
import type { Call, TestApp } from '../app.ts';
import { startTelegramDouble } from '../doubles/telegram.ts';
import type { TelegramDouble } from '../doubles/telegram.ts';
import { joinAnotherCompany } from './world.ts';

const SECRET = 'a-secret-of-ours';
const HEADER = 'x-telegram-bot-api-secret-token';

const update = (id: number, text: string, more: object = {}) => ({
  update_id: id,
  message: {
    message_id: id,
    date: 1_700_000_000,
    chat: { id: 77, type: 'private', first_name: 'Juho' },
    from: { id: 77, is_bot: false, first_name: 'Juho' },
    text,
  },
  ...more,
});

describe('webhooks', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let mallory: Call;
  let acmeInbox: Inbox;
  let malloryInbox: Inbox;
  let webInbox: Inbox;

  const post = (
    inbox: Inbox,
    body: unknown,
    headers: Record<string, string> | [string, string][] = { [HEADER]: SECRET },
  ) =>
    fetch(`${test.url}/webhooks/telegram/${inbox.token}`, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const stored = async (inbox: Inbox): Promise<number> => {
    const rows = await test.app.database.asOwner(async (client) =>
      client.query<{ n: number }>('select count(*)::int as n from inbound_events where inbox_id = $1', [inbox.id]),
    );
    return rows.rows[0]?.n ?? 0;
  };
  const texts = async (call: Call): Promise<string[]> => {
    const { data } = await call<Conversation[]>('GET', '/conversations');
    const lists = await Promise.all(
      data.map(({ id }) => call<Message[]>('GET', `/conversations/${id}/messages?limit=100`)),
    );
    return lists.flatMap((list) => list.data.filter(({ author }) => author.type === 'contact').map(({ text }) => text));
  };

  before(async () => {
    telegram = await startTelegramDouble();
    test = await startTestApp({ CHANNEL_TELEGRAM_API_URL: telegram.url });
    mallory = (await joinAnotherCompany(test)).call;
    const connect = async (call: Call, secretToken: string) => {
      const input = { name: 'Telegram', channel: 'telegram', credentials: { botToken: telegram.token, secretToken } };
      const { status, data, error } = await call<Inbox>('POST', '/inboxes', input);
      assert.equal(status, 201, JSON.stringify(error));
      return data;
    };
    acmeInbox = await connect(test.owner, SECRET);
    malloryInbox = await connect(mallory, 'the-secret-of-mallory');
    webInbox = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web' })).data;
  });
  after(async () => {
    await test?.close();
    await telegram?.close();
  });

  it('attack 13: takes nothing without the secret, and stores nothing of it', async () => {
    const attempts: (Record<string, string> | [string, string][])[] = [
      {},
      { [HEADER]: '' },
      { [HEADER]: 'wrong' },
      { [HEADER]: SECRET.slice(0, -1) },
      { [HEADER]: `${SECRET} x` },
      { [HEADER]: SECRET.toUpperCase() },
      { [HEADER]: 'undefined' },
      { [HEADER]: 'the-secret-of-mallory' },
      { authorization: `Bearer ${SECRET}` },
      [
        [HEADER, 'wrong'],
        [HEADER, SECRET],
      ],
    ];
    for (const headers of attempts) {
      const response = await post(acmeInbox, update(1, 'forged'), headers);
      assert.equal(response.status, 401, JSON.stringify(headers));
    }
    const inAddress = await fetch(`${test.url}/webhooks/telegram/${acmeInbox.token}?${HEADER}=${SECRET}`, {
      method: 'POST',
      body: JSON.stringify(update(1, 'forged')),
    });
    assert.equal(inAddress.status, 401);
    assert.equal(await stored(acmeInbox), 0);
  });

  it('attack 13: an inbox without a secret lets nothing in', async () => {
    const request = { method: 'POST' as const, headers: {}, query: {}, rawBody: Buffer.from('{}') };
    for (const given of [undefined, '', 'undefined', 'x'])
      assert.equal(verify({ ...request, headers: { [HEADER]: given } }, { botToken: 'x', secretToken: '' }).ok, false);
    const made = await test.owner<Inbox>('POST', '/inboxes', {
      name: 'No secret',
      channel: 'telegram',
      credentials: { botToken: telegram.anotherToken(), secretToken: '' },
    });
    assert.equal(made.status, 201);
    for (const secret of ['', 'undefined', 'null'])
      assert.equal((await post(made.data, update(1, 'forged'), { [HEADER]: secret })).status, 401);
    assert.equal(await stored(made.data), 0);
    assert.ok((telegram.webhook()?.secretToken ?? '').length >= 20, 'a secret was made up');
    await test.owner('DELETE', `/inboxes/${made.data.id}`);
  });

  it('finds no door where there is none', async () => {
    const { token } = acmeInbox;
    const doors: [string, number][] = [
      [`/webhooks/telegram/${'x'.repeat(32)}`, 404],
      [`/webhooks/telegram/${token}x`, 404],
      [`/webhooks/web/${webInbox.token}`, 404],
      [`/webhooks/telegram/${webInbox.token}`, 404],
      [`/webhooks/web/${token}`, 404],
      ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'viber'].map((name): [string, number] => [
        `/webhooks/${name}/${token}`,
        404,
      ]),
    ];
    for (const [path, status] of doors) {
      const response = await fetch(test.url + path, { method: 'POST', headers: { [HEADER]: SECRET }, body: '{}' });
      assert.equal(response.status, status, path);
    }
  });

  it('attack 14: a replayed body is stored once, also when all come together', async () => {
    const body = update(10, 'only once');
    const first = await Promise.all(Array.from({ length: 10 }, () => post(acmeInbox, body)));
    assert.ok(first.every(({ status }) => status === 200));
    await until(async () => (await texts(test.owner)).includes('only once'), 'it arrived');
    // Signed with the same secret, another day, with a new text under the old number.
    assert.equal((await post(acmeInbox, update(10, 'changed'))).status, 200);
    assert.equal(await stored(acmeInbox), 1);
    assert.deepEqual(await texts(test.owner), ['only once']);
  });

  it('attack 6: the same chat and message ids in two inboxes are two conversations', async () => {
    assert.equal((await post(malloryInbox, update(10, 'mine'), { [HEADER]: 'the-secret-of-mallory' })).status, 200);
    await until(async () => (await texts(mallory)).includes('mine'), 'it arrived');
    assert.deepEqual(await texts(mallory), ['mine']);
    const edited = {
      update_id: 11,
      edited_message: { ...update(10, 'rewritten by mallory').message, edit_date: 1_700_000_001 },
    };
    assert.equal((await post(malloryInbox, edited, { [HEADER]: 'the-secret-of-mallory' })).status, 200);
    await until(async () => (await texts(mallory)).includes('rewritten by mallory'), 'the edit arrived');
    assert.deepEqual(await texts(test.owner), ['only once']);
    assert.equal((await post(acmeInbox, update(12, 'x'), { [HEADER]: 'the-secret-of-mallory' })).status, 401);
  });

  it('attack 15: no JSON body is taken for an upload', async () => {
    const base = (await test.owner<{ id: string }>('POST', '/knowledge-bases', { name: 'Base' })).data;
    const forged = {
      files: { file: [{ filepath: '/etc/passwd', originalFilename: 'x.txt' }] },
      file: { path: '/etc/passwd' },
    };
    for (const path of ['/files', `/knowledge-bases/${base.id}/documents`]) {
      const answer = await test.owner('POST', path, forged);
      assert.equal(answer.status, 400, path);
      for (const type of ['multipart/form-data', 'multipart/form-data; boundary=x', 'multipart/mixed; boundary=x']) {
        const response = await fetch(`${test.url}/api/v1${path}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${test.ownerToken}`, 'content-type': type },
          body: JSON.stringify(forged),
        });
        assert.equal(response.status, 400, `${path} ${type}`);
        assert.ok(!(await response.text()).includes('root:'));
      }
    }
    const form = new FormData();
    form.append('file', '/etc/passwd');
    assert.equal((await test.owner('POST', '/files', form)).status, 400);
  });

  it('refuses what is no update in words, and keeps going', async () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    const bodies: unknown[] = [
      '',
      'nonsense',
      'null',
      '[]',
      '"text"',
      deep,
      `{"update_id":1,"message":${deep}}`,
      { update_id: -1 },
      { update_id: 1e308 },
      { update_id: '1; drop table messages' },
      update(20, 'x', { message: { ...update(20, 'x').message, date: 1e15 } }),
      update(20, 'x', { message: { ...update(20, 'x').message, chat: { id: '77', type: 'private' } } }),
      `{"update_id":20,"__proto__":{"isAdmin":true},"message":null}`,
    ];
    for (const body of bodies) {
      const response = await post(acmeInbox, body);
      assert.equal(response.status, 400, String(JSON.stringify(body)).slice(0, 80));
      assert.ok(!/ at |node_modules|stack/.test(await response.text()));
    }
    const tooLarge = await post(acmeInbox, 'x'.repeat(11 * 1024 * 1024));
    assert.equal(tooLarge.status, 413);
  });

  it('attack 21: markup of a customer stays the text it is', async () => {
    const text = '<img src=x onerror=alert(1)><script>alert(2)</script> ‮ a\u0000b \ud800';
    assert.equal((await post(acmeInbox, update(30, text))).status, 200);
    const clean = '<img src=x onerror=alert(1)><script>alert(2)</script> ‮ ab �';
    await until(async () => (await texts(test.owner)).includes(clean), 'it is kept as it was written');
    const response = await fetch(`${test.url}/api/v1/conversations`, {
      headers: { authorization: `Bearer ${test.ownerToken}` },
    });
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  });

  it('never tells credentials', async () => {
    const answers = await Promise.all([
      test.owner('GET', '/inboxes'),
      test.owner('GET', `/inboxes/${acmeInbox.id}`),
      test.owner('PATCH', `/inboxes/${acmeInbox.id}`, { name: 'Renamed' }),
      test.owner('POST', `/inboxes/${acmeInbox.id}/check`),
      test.owner('POST', '/inboxes', {
        name: 'x',
        channel: 'telegram',
        credentials: { botToken: 'wrong-secret-value' },
      }),
    ]);
    for (const answer of answers)
      for (const secret of [SECRET, telegram.token, 'wrong-secret-value'])
        assert.ok(!JSON.stringify(answer).includes(secret), JSON.stringify(answer));
    const rows = await test.app.database.asOwner(async (client) => client.query('select credentials from inboxes'));
    assert.ok(!JSON.stringify(rows.rows).includes(SECRET));
  });

  /** Begins a request whose body does not come, and waits for the answer all the same. */
  const begin = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(test.url);
      const socket = connectTo({ host: hostname, port: Number(port) }, () =>
        socket.write(
          `POST ${path} HTTP/1.1\r\nhost: x\r\n${HEADER}: wrong\r\ncontent-type: application/json\r\ncontent-length: 5000000\r\n\r\n{"update_id":`,
        ),
      );
      let answer = '';
      socket.setTimeout(5_000, () => socket.destroy(new Error(`no answer without the body: ${answer}`)));
      socket.on('data', (bytes) => (answer += bytes.toString()));
      socket.on('error', reject);
      socket.on('close', () => resolve(answer.slice(9, 12)));
    });

  it('answers for a token nobody has without reading the body', async () => {
    assert.equal(await begin(`/webhooks/telegram/${'y'.repeat(32)}`), '404');
    assert.equal(await begin(`/webhooks/nothing/${acmeInbox.token}`), '404');
    assert.equal(await begin(`/webhooks/telegram/${webInbox.token}`), '404');
  });

  it('sends away an address that forges too often, before the body, and counts nothing that is proven', async () => {
    const proven = await Promise.all(
      Array.from({ length: 80 }, (_, index) =>
        post(malloryInbox, update(100 + index, 'x'), { [HEADER]: 'the-secret-of-mallory' }),
      ),
    );
    assert.ok(proven.every(({ status }) => status === 200));
    const forge = async (): Promise<number> =>
      (await post(malloryInbox, update(1, 'forged'), { [HEADER]: 'no' })).status;
    assert.equal(await forge(), 401);
    for (let tries = 0; tries < 300 && (await forge()) === 401; tries += 1);
    const sentAway = await post(malloryInbox, update(1, 'forged'), { [HEADER]: 'no' });
    assert.equal(sentAway.status, 429);
    assert.ok(Number(sentAway.headers.get('retry-after')) >= 1);
    assert.equal(await begin(`/webhooks/telegram/${malloryInbox.token}`), '429');
    assert.equal((await post(acmeInbox, update(300, 'of another inbox'))).status, 200);
  });
});
