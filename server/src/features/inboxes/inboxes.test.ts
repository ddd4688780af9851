import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Bot, Inbox, InboxCheck } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { newToken } from '../../platform/data/ids.ts';
import { startContentApp, until } from '../../test/content-app.ts';
import type { ContentApp, Person } from '../../test/content-app.ts';
import { startTelegramDouble } from '../../test/doubles/telegram.ts';
import type { TelegramDouble } from '../../test/doubles/telegram.ts';

type Failed = { success: false; error: { code: string; message: string; details?: { field: string }[] } };
type Found<T> = { success: true; data: T; meta: { total: number } };

const PUBLIC = 'https://parley.example.com';
let app: ContentApp;
let telegram: TelegramDouble;
let owner: Person;
let outsider: Person;
let agent: Person;

before(async () => {
  telegram = await startTelegramDouble();
  app = await startContentApp({ telegramUrl: telegram.url });
  owner = await app.workspace();
  outsider = await app.workspace();
  agent = { ...owner, role: 'agent' };
});
beforeEach(() => {
  app.config.publicUrl = PUBLIC;
});
after(async () => {
  await app.close();
  await telegram.close();
});

const create = async (who: Person, input: object): Promise<Inbox> => {
  const answer = await app.send<Found<Inbox>>(who, 'POST', '/inboxes', input);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body.data;
};
const site = { name: 'Our site', channel: 'web' };
/** Of the newest one: a bot has one inbox of a workspace. */
let botToken = '';
const bot = () => {
  botToken = telegram.anotherToken();
  return { name: 'Telegram', channel: 'telegram', credentials: { botToken } };
};
const total = async (who: Person) => (await app.send<Found<Inbox[]>>(who, 'GET', '/inboxes')).body.meta.total;
const patch = (who: Person, id: string, body: object) => app.send<Found<Inbox>>(who, 'PATCH', `/inboxes/${id}`, body);
const check = async (id: string): Promise<InboxCheck> =>
  (await app.send<Found<InboxCheck>>(owner, 'POST', `/inboxes/${id}/check`)).body.data;
const calls = (method: string) => telegram.calls.filter((call) => call.method === method).length;

describe('what is refused', () => {
  it('an inbox of another workspace is not there, whatever is done to it', async () => {
    const inbox = await create(owner, site);
    for (const [method, path, body] of [
      ['GET', `/inboxes/${inbox.id}`],
      ['PATCH', `/inboxes/${inbox.id}`, { name: 'Mine' }],
      ['PATCH', `/inboxes/${inbox.id}`, { enabled: false }],
      ['DELETE', `/inboxes/${inbox.id}`],
      ['POST', `/inboxes/${inbox.id}/check`],
    ] as const) {
      assert.equal((await app.send(outsider, method, path, body)).status, 404, `${method} ${path}`);
    }
    assert.equal(await app.inboxes.byId(outsider.workspaceId, inbox.id), null);
    const runtime = await app.inboxes.byId(owner.workspaceId, inbox.id);
    assert.deepEqual([runtime?.name, runtime?.status], ['Our site', 'connected']);
  });

  it('a bot of another workspace, before the platform hears anything', async () => {
    const foreign = await app.send<Found<Bot>>(outsider, 'POST', '/bots', { name: 'Theirs' });
    const botId = foreign.body.data.id;
    const before = telegram.calls.length;
    assert.equal((await app.send(owner, 'POST', '/inboxes', { ...bot(), botId })).status, 404);
    const inbox = await create(owner, site);
    assert.equal((await patch(owner, inbox.id, { botId })).status, 404);
    assert.equal(telegram.calls.length, before);
  });

  it('agents may look, not connect', async () => {
    const inbox = await create(owner, site);
    assert.equal((await app.send(agent, 'POST', '/inboxes', site)).status, 403);
    assert.equal((await patch(agent, inbox.id, { name: 'X' })).status, 403);
    assert.equal((await app.send(agent, 'DELETE', `/inboxes/${inbox.id}`)).status, 403);
    assert.equal((await app.send(agent, 'POST', `/inboxes/${inbox.id}/check`)).status, 403);
    assert.equal((await app.send(agent, 'GET', `/inboxes/${inbox.id}`)).status, 200);
  });

  it('fields that are not an inbox’s, and credentials that are not the channel’s', async () => {
    const wrong = async (body: object, field: string) => {
      const answer = await app.send<Failed>(owner, 'POST', '/inboxes', body);
      assert.equal(answer.status, 400, JSON.stringify(body));
      assert.deepEqual(
        answer.body.error.details?.map((detail) => detail.field),
        [field],
      );
    };
    await wrong({ ...site, token: 'mine' }, 'token');
    await wrong({ ...site, channel: 'pigeon' }, 'channel');
    await wrong({ ...bot(), credentials: { botToken: 'nonsense' } }, 'credentials.botToken');
    await wrong({ ...bot(), credentials: {} }, 'credentials.botToken');
    await wrong({ ...bot(), credentials: { botToken: telegram.token, admin: true } }, 'credentials.admin');
    await wrong({ ...bot(), credentials: { botToken: telegram.token, secretToken: 'ä' } }, 'credentials.secretToken');
    await wrong({ ...site, settings: { allowedOrigins: ['javascript:alert(1)'] } }, 'settings.allowedOrigins.0');
    const inbox = await create(owner, site);
    const answer = await app.send<Failed>(owner, 'PATCH', `/inboxes/${inbox.id}`, { channel: 'telegram' });
    assert.equal(answer.status, 400);
  });

  it('a token Telegram does not know: in words, and nothing is kept', async () => {
    const before = await total(owner);
    const credentials = { botToken: '7000000002:AAH-a-token-nobody-was-ever-given_01234567' };
    const answer = await app.send<Failed>(owner, 'POST', '/inboxes', { ...bot(), credentials });
    assert.equal(answer.status, 400);
    assert.match(answer.body.error.message, /does not know this bot token/);
    assert.equal(await total(owner), before);
  });

  it('tokens nobody has, and what is no token', async () => {
    for (const token of [newToken(), '', 'x', `${'a'.repeat(5000)}`, "' or 1=1 --"]) {
      assert.equal(await app.inboxes.byToken(token), null);
    }
    const before = app.store.statementCount();
    const token = newToken();
    await app.inboxes.byToken(token);
    const once = app.store.statementCount() - before;
    await app.inboxes.byToken(token);
    assert.equal(app.store.statementCount() - before, once);
  });
});

describe('a web inbox', () => {
  it('has a token, a chat page, and full settings; origins are kept as browsers send them', async () => {
    const settings = { accent: '#112233', allowedOrigins: ['https://shop.example.com/page?x=1'] };
    const inbox = await create(owner, { ...site, settings });
    assert.equal(inbox.webhookUrl, null);
    assert.equal(inbox.chatUrl, `${PUBLIC}/chat/${inbox.token}`);
    assert.deepEqual(inbox.settings, {
      accent: '#112233',
      title: 'Our site',
      position: 'right',
      theme: 'auto',
      allowedOrigins: ['https://shop.example.com'],
      reopenDays: 7,
    });
    const runtime = await app.inboxes.byToken(inbox.token);
    assert.deepEqual(runtime?.settings, inbox.settings);
    assert.equal(runtime?.workspaceId, owner.workspaceId);
    assert.deepEqual(await check(inbox.id), { ok: true, displayName: null, detail: 'Ready.' });
  });

  it('is changed in part, and the path of a message sees it at once', async () => {
    const inbox = await create(owner, { ...site, settings: { accent: '#112233' } });
    await app.inboxes.byToken(inbox.token);
    const changed = await patch(owner, inbox.id, { name: 'Shop', settings: { position: 'left' } });
    assert.deepEqual(
      [changed.body.data.settings.accent, changed.body.data.settings.position, changed.body.data.settings.title],
      ['#112233', 'left', 'Shop'],
    );
    await until(async () => (await app.inboxes.byToken(inbox.token))?.name === 'Shop');
    await patch(owner, inbox.id, { enabled: false });
    await until(async () => (await app.inboxes.byId(owner.workspaceId, inbox.id))?.status === 'disabled');
    assert.equal((await check(inbox.id)).ok, false);
    assert.equal((await patch(owner, inbox.id, { enabled: true })).body.data.status, 'connected');
  });

  it('that is deleted is found by nobody', async () => {
    const inbox = await create(owner, site);
    await app.inboxes.byToken(inbox.token);
    assert.equal((await app.send(owner, 'DELETE', `/inboxes/${inbox.id}`)).status, 200);
    assert.equal((await app.send(owner, 'GET', `/inboxes/${inbox.id}`)).status, 404);
    await until(async () => (await app.inboxes.byToken(inbox.token)) === null);
    assert.equal(await app.inboxes.byId(owner.workspaceId, inbox.id), null);
  });
});

describe('a Telegram inbox', () => {
  it('registers its webhook with a secret of ours; credentials are sealed and never leave (attack 20)', async () => {
    const inbox = await create(owner, bot());
    assert.equal(inbox.status, 'connected');
    assert.equal(inbox.webhookUrl, `${PUBLIC}/webhooks/telegram/${inbox.token}`);
    assert.equal(telegram.webhook()?.url, inbox.webhookUrl);
    const secret = telegram.webhook()?.secretToken ?? '';
    assert.match(secret, /^[A-Za-z0-9_-]{32}$/);
    const runtime = await app.inboxes.byToken(inbox.token);
    assert.deepEqual(runtime?.credentials, { botToken, secretToken: secret });

    const { rows } = await app.store.inWorkspace(owner.workspaceId, (tx) =>
      tx.execute<{ credentials: string }>(sql`select credentials from inboxes where id = ${inbox.id}::uuid`),
    );
    const sealed = rows[0]?.credentials ?? '';
    assert.ok(sealed.length > 0 && !sealed.includes(botToken));
    assert.throws(() => app.keyring.decrypt(sealed, 'another inbox'));
    const shown = JSON.stringify((await app.send(owner, 'GET', '/inboxes')).body);
    assert.ok(!shown.includes(botToken) && !shown.includes(secret) && !shown.includes('credentials'));
  });

  it('whose bot is connected in this workspace already is refused before Telegram is told anything, until that one is disabled', async () => {
    const first = await create(owner, { ...bot(), name: 'Support' });
    const again = { name: 'Sales', channel: 'telegram', credentials: { botToken } };
    const before = telegram.calls.length;
    const answer = await app.send<Failed>(owner, 'POST', '/inboxes', again);
    assert.equal(answer.status, 409);
    assert.match(answer.body.error.message, /connected already, in the inbox “Support”/);
    const other = await create(owner, bot());
    const calls = telegram.calls.length;
    const token = again.credentials.botToken;
    assert.equal((await patch(owner, other.id, { credentials: { botToken: token } })).status, 409);
    assert.equal(calls - before, 2, 'Telegram was asked for the other one alone');
    assert.equal(telegram.calls.length, calls);
    assert.equal((await patch(owner, first.id, { enabled: false })).status, 200);
    assert.equal((await app.send(owner, 'POST', '/inboxes', again)).status, 201);
    assert.equal((await patch(owner, first.id, { enabled: true })).status, 409);
  });

  it('is kept as failing, in the platform’s words, when only our address is refused; a check repairs it', async () => {
    app.config.publicUrl = 'http://192.168.1.5:3000';
    const inbox = await create(owner, bot());
    assert.equal(inbox.status, 'failing');
    assert.match(inbox.statusDetail ?? '', /HTTPS URL must be provided.*PUBLIC_URL/);
    const first = await check(inbox.id);
    assert.equal(first.ok, false);
    assert.match(first.detail, /HTTPS/);
    app.config.publicUrl = PUBLIC;
    const second = await check(inbox.id);
    assert.deepEqual(second, { ok: true, displayName: 'Parley', detail: '@parley_bot' });
    const after = await app.send<Found<Inbox>>(owner, 'GET', `/inboxes/${inbox.id}`);
    assert.deepEqual([after.body.data.status, after.body.data.statusDetail], ['connected', null]);
    await until(async () => (await app.inboxes.byToken(inbox.token))?.status === 'connected');
  });

  it('keeps its secret when the token is typed anew, and its credentials when the new ones are refused', async () => {
    const inbox = await create(owner, bot());
    const secret = telegram.webhook()?.secretToken;
    const again = await patch(owner, inbox.id, { credentials: { botToken } });
    assert.equal(again.status, 200);
    assert.equal(telegram.webhook()?.secretToken, secret);
    const credentials = { botToken: '7000000002:AAH-a-token-nobody-was-ever-given_01234567' };
    assert.equal((await patch(owner, inbox.id, { credentials })).status, 400);
    const runtime = await app.inboxes.byToken(inbox.token);
    assert.deepEqual(runtime?.credentials, { botToken, secretToken: secret });
  });

  it('renamed, does not bother the platform; disabled and deleted, takes its webhook back', async () => {
    const inbox = await create(owner, bot());
    const before = telegram.calls.length;
    await patch(owner, inbox.id, { name: 'New name' });
    assert.equal(telegram.calls.length, before);
    await patch(owner, inbox.id, { enabled: false });
    assert.equal(telegram.webhook(), undefined);
    assert.equal((await patch(owner, inbox.id, { enabled: true })).body.data.status, 'connected');
    assert.equal(telegram.webhook()?.url, inbox.webhookUrl);
    const removed = calls('deleteWebhook');
    assert.equal((await app.send(owner, 'DELETE', `/inboxes/${inbox.id}`)).status, 200);
    assert.equal(calls('deleteWebhook'), removed + 1);
  });

  it('is deleted although the platform is down', async () => {
    const inbox = await create(owner, bot());
    telegram.fail({ kind: 'bad-gateway' }, { method: 'deleteWebhook' });
    assert.equal((await app.send(owner, 'DELETE', `/inboxes/${inbox.id}`)).status, 200);
    assert.equal(await app.inboxes.byId(owner.workspaceId, inbox.id), null);
  });

  it('is not connected while the platform is down, and says so', async () => {
    const before = await total(owner);
    telegram.fail({ kind: 'bad-gateway' }, { method: 'getMe' });
    const answer = await app.send<Failed>(owner, 'POST', '/inboxes', bot());
    assert.equal(answer.status, 503);
    assert.match(answer.body.error.message, /cannot be reached/);
    assert.equal(await total(owner), before);
  });
});
