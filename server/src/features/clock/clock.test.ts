import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ApiKeyCreated, Conversation, Inbox, Message } from '@parley/contract';
import { OWNER, startTestApp, until } from '../../test/app.ts';
import type { Call, TestApp } from '../../test/app.ts';
import { clusterServers, startCluster } from '../../test/cluster.ts';
import { startWhatsappDouble } from '../../test/doubles/whatsapp.ts';
import type { WhatsappDouble } from '../../test/doubles/whatsapp.ts';
import { ownerOf, visit } from '../../test/talk.ts';
import { openWhatsapp } from '../../test/whatsapp-chat.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** What became due is done within this, also on a busy machine. */
const DUE_MS = 20_000;

const setClock = async (owner: Call, to: number): Promise<void> => {
  const answer = await owner<{ now: string }>('POST', '/internal/clock', { now: new Date(to).toISOString() });
  assert.equal(answer.status, 200, JSON.stringify(answer.error));
  assert.ok(Math.abs(Date.parse(answer.data.now) - to) < 5_000);
};
const failure = ({ status, error }: Awaited<ReturnType<Call>>): string => `${status} ${error?.code}`;

async function webInbox(owner: Call): Promise<Inbox> {
  return (await owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web' })).data;
}

async function endsItsSnooze(url: string, owner: Call, now: number): Promise<void> {
  const { conversationId, socket } = await visit(url, await webInbox(owner), 'Maria');
  socket.close();
  const address = `/conversations/${conversationId}`;
  const until3 = new Date(now + 3 * DAY).toISOString();
  assert.equal((await owner('POST', `${address}/snooze`, { until: until3 })).status, 200);
  await setClock(owner, now + 3 * DAY - HOUR);
  assert.equal((await owner<Conversation>('GET', address)).data.status, 'snoozed');
  await setClock(owner, now + 3 * DAY + 1_000);
  const awake = async () => (await owner<Conversation>('GET', address)).data.status !== 'snoozed';
  await until(awake, 'the snooze is over', DUE_MS);
  assert.equal(
    failure(await owner('POST', `${address}/snooze`, { until: new Date(now + 2 * DAY).toISOString() })),
    '400 bad_request',
    'what is past by the clock is no time to come back',
  );
}

it('is not there unless it was opened', async (context) => {
  const closed = await startTestApp();
  context.after(() => closed.close());
  const now = new Date(Date.now() + DAY).toISOString();
  assert.equal(failure(await closed.owner('POST', '/internal/clock', { now })), '404 route_not_found');
});

describe('the clock of an installation under test', () => {
  let test: TestApp;
  let double: WhatsappDouble;
  /** Each test goes on from here: time has one direction. */
  let now = Date.now();
  const moveTo = async (to: number): Promise<void> => {
    await setClock(test.owner, to);
    now = to;
  };

  before(async () => {
    double = await startWhatsappDouble();
    test = await startTestApp({
      PARLEY_TEST_CLOCK: '1',
      PARLEY_RETENTION_MESSAGES: '1',
      CHANNEL_META_API_URL: double.url,
    });
  });
  after(async () => {
    await test?.close();
    await double?.close();
  });

  async function invite(email: string): Promise<string> {
    const invited = await test.owner<{ inviteUrl: string }>('POST', '/members/invite', { email, role: 'agent' });
    return new URL(invited.data.inviteUrl).searchParams.get('token') ?? '';
  }
  const accept = (token: string) =>
    test.anonymous<{ accessToken: string }>('POST', '/auth/accept-invite', {
      token,
      name: 'Ada',
      password: 'a long enough password',
    });

  it('is for owners: nobody else finds it', async () => {
    const agent = await accept(await invite('ada@acme.test'));
    const key = await test.owner<ApiKeyCreated>('POST', '/api-keys', { name: 'All', scopes: ['contacts:read'] });
    const body = { now: new Date(now + DAY).toISOString() };
    for (const call of [test.anonymous, test.as(agent.data.accessToken), test.as(key.data.key), test.as('nonsense')])
      assert.equal(failure(await call('POST', '/internal/clock', body)), '404 route_not_found');
    assert.equal(failure(await test.owner('GET', '/internal/clock')), '404 route_not_found');
  });

  it('takes moments alone', async () => {
    for (const moment of ['', 'tomorrow', '2031-02-30T00:00:00Z', '1999-12-31T23:59:59Z', '2100-01-01T00:00:00Z', 5])
      assert.equal(
        failure(await test.owner('POST', '/internal/clock', { now: moment })),
        '400 bad_request',
        `${moment}`,
      );
    assert.equal(failure(await test.owner('POST', '/internal/clock', {})), '400 bad_request');
  });

  it('a snooze ends, and what is written has the time', async () => {
    await endsItsSnooze(test.url, test.owner, now);
    now += 3 * DAY + 1_000;
    const { conversationId, socket, say } = await visit(test.url, await webInbox(test.owner), 'Ben');
    await say('Hello?');
    socket.close();
    const address = `/conversations/${conversationId}`;
    const message = await until(async () => {
      const { data } = await test.owner<Message[]>('GET', `${address}/messages`);
      return data.find(({ text }) => text === 'Hello?');
    }, 'the message is stored');
    const conversation = await until(async () => {
      const { data } = await test.owner<Conversation>('GET', address);
      return data.handoff ? data : undefined;
    }, 'it waits for a person');
    for (const at of [
      message.createdAt,
      conversation.createdAt,
      conversation.lastMessageAt,
      conversation.handoff?.waitingSince,
    ])
      assert.ok(at && Date.parse(at) >= now && Date.parse(at) < now + HOUR, at);
  });

  it('a WhatsApp window closes, and opens when the customer writes again', async () => {
    const chat = await openWhatsapp(test, double, null);
    const phone = '4915100000009';
    await chat.say(phone, 'Where is my parcel?');
    assert.equal((await chat.reply(phone, { text: 'On its way.' })).status, 201);
    const { window } = (await chat.conversation(phone)) ?? {};
    assert.ok(window?.open && window.closesAt);
    await moveTo(Date.parse(window.closesAt) + HOUR);
    assert.equal((await chat.conversation(phone))?.window?.open, false);
    assert.equal(failure(await chat.reply(phone, { text: 'Still on its way.' })), '409 window_closed');
    // The platform says when by its own clock, which nobody set.
    await chat.say(phone, 'Hello?');
    await until(async () => (await chat.conversation(phone))?.window?.open, 'the window is open');
    assert.equal((await chat.reply(phone, { text: 'It is here.' })).status, 201);
  });

  it('an invitation ends', async () => {
    const [early, late] = [await invite('early@acme.test'), await invite('late@acme.test')];
    await moveTo(now + 6 * DAY);
    assert.equal((await accept(early)).status, 200);
    await moveTo(now + 2 * DAY);
    assert.equal(failure(await accept(late)), '404 not_found');
  });

  it('what is kept for a month is deleted, and newer words stay', async () => {
    const inbox = await webInbox(test.owner);
    const begin = async (name: string): Promise<string> => {
      const chat = await visit(test.url, inbox, name);
      await chat.say(`I am ${name}.`);
      chat.socket.close();
      return chat.conversationId;
    };
    const texts = async (id: string) =>
      (await test.owner<Message[]>('GET', `/conversations/${id}/messages`)).data.map(({ text }) => text);
    const old = await begin('old');
    await until(async () => (await texts(old)).includes('I am old.'), 'it is stored');
    await moveTo(now + 92 * DAY);
    const fresh = await begin('fresh');
    const preview = async (id: string) => (await test.owner<Conversation>('GET', `/conversations/${id}`)).data;
    await until(async () => (await texts(old)).length === 0, 'the old words are gone', DUE_MS);
    await until(async () => (await preview(old)).lastMessagePreview === '', 'and their preview', DUE_MS);
    await until(async () => (await texts(fresh)).includes('I am fresh.'), 'the new ones are stored');
    await moveTo(now + 1_000);
    assert.ok((await texts(fresh)).includes('I am fresh.'));
  });

  it('a login goes on: it has real time', async () => {
    const login = await test.anonymous<{ accessToken: string; refreshToken: string }>('POST', '/auth/login', OWNER);
    await moveTo(now + 366 * DAY);
    assert.equal((await test.owner('GET', '/me')).status, 200);
    assert.equal((await test.as(login.data.accessToken)('GET', '/me')).status, 200);
    const { refreshToken } = login.data;
    assert.equal((await test.anonymous('POST', '/auth/refresh', { refreshToken })).status, 200);
  });

  it('is the same after a restart', async () => {
    await test.restart();
    const { conversationId, socket } = await visit(test.url, await webInbox(test.owner), 'Later');
    socket.close();
    const { data } = await test.owner<Conversation>('GET', `/conversations/${conversationId}`);
    assert.ok(Date.parse(data.createdAt) >= now, data.createdAt);
  });
});

if (clusterServers) {
  const servers = clusterServers;
  it('is one for all processes: set at one api, seen at the other, done by the workers', async (context) => {
    const cluster = await startCluster(servers, { apis: 2, workers: 1 }, { PARLEY_TEST_CLOCK: '1' });
    context.after(() => cluster.close());
    const [one, two] = cluster.apis;
    assert.ok(one && two);
    const owner = await ownerOf(one.url, OWNER);
    await endsItsSnooze(one.url, owner, Date.now());
    const { conversationId, socket } = await visit(two.url, await webInbox(owner), 'Ben');
    socket.close();
    const { data } = await owner<Conversation>('GET', `/conversations/${conversationId}`);
    assert.ok(Date.parse(data.createdAt) > Date.now() + 2 * DAY, data.createdAt);
  });
}
