import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Bot, Conversation, Inbox } from '@parley/contract';
import { connect, startTestApp, until } from '../../test/app.ts';
import type { TestApp, TestSocket } from '../../test/app.ts';
import { startTelegramDouble } from '../../test/doubles/telegram.ts';
import type { TelegramDouble } from '../../test/doubles/telegram.ts';
import { history, openTelegram, visit } from '../../test/talk.ts';
import type { Chat } from '../../test/talk.ts';

const DAY_MS = 86_400_000;

/** Whether a message after the end goes on with a conversation or begins another: one rule for the desk and every channel. */
describe('a message to a resolved conversation', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let chat: Chat;
  let web: Inbox;
  let agent: TestSocket | undefined;
  let now = Date.now();

  before(async () => {
    telegram = await startTelegramDouble();
    test = await startTestApp({ PARLEY_TEST_CLOCK: '1', CHANNEL_TELEGRAM_API_URL: telegram.url });
    const bot = (await test.owner<Bot>('POST', '/bots', { name: 'Robin' })).data;
    chat = await openTelegram(test, telegram, bot.id);
    web = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
  });
  after(async () => {
    agent?.close();
    await test?.close();
    await telegram?.close();
  });

  const read = async (id: string) => (await test.owner<Conversation>('GET', `/conversations/${id}`)).data;
  const pass = async (days: number): Promise<void> => {
    now += days * DAY_MS;
    const set = await test.owner('POST', '/internal/clock', { now: new Date(now).toISOString() });
    assert.equal(set.status, 200, JSON.stringify(set.error));
  };
  const of = async (n: number): Promise<Conversation[]> => {
    const { data } = await test.owner<Conversation[]>('GET', `/conversations?inboxId=${chat.inbox.id}&limit=100`);
    return data.filter(({ contact }) => contact.name === `Chat ${n}`);
  };
  /** A conversation that a person had and resolved. */
  async function resolved(n: number): Promise<Conversation> {
    await chat.say(n, 'Where is my parcel?');
    const { id } = await until(async () => (await of(n))[0], 'it is there');
    await test.owner('POST', `/conversations/${id}/take-over`);
    await test.owner('POST', `/conversations/${id}/resolve`);
    return read(id);
  }

  it('reopens it within seven days; whoever had it has it when they are there, else the bot', async () => {
    const ended = await resolved(1);
    assert.equal(Date.parse(ended.reopenUntil ?? '') - Date.parse(ended.resolvedAt ?? ''), 7 * DAY_MS);
    await pass(6);
    await chat.say(1, 'It is still not here.');
    const again = await until(async () => {
      const [found] = await of(1);
      return found && found.status !== 'resolved' && found;
    }, 'it goes on');
    assert.deepEqual([again.id, again.assignee, again.resolvedAt, again.reopenUntil], [ended.id, null, null, null]);
    const events = (await history(test, ended.id)).map(({ event, author }) => event ?? author.type);
    const line = events.indexOf('conversation.reopened');
    assert.equal(events[line + 1], 'contact', 'the line comes before the words that reopen it');

    agent = await connect(test.url, { token: test.ownerToken });
    await agent.call('agent:join', { status: 'online' });
    await test.owner('POST', `/conversations/${ended.id}/take-over`);
    await test.owner('POST', `/conversations/${ended.id}/resolve`);
    await chat.say(1, 'Thank you, but no.');
    const kept = await chat.inStatus(1, 'agent');
    assert.equal(kept.id, ended.id);
    assert.ok(kept.assignee);
    assert.equal((await of(1)).length, 1);
  });

  it('begins another later, and at a command to begin', async () => {
    const ended = await resolved(2);
    await pass(8);
    await chat.say(2, 'A new thing.');
    await until(async () => (await of(2)).length === 2, 'another begins');
    assert.equal((await read(ended.id)).status, 'resolved');
    const second = await resolved(3);
    await chat.say(3, '/start');
    await until(async () => (await of(3)).length === 2, 'another begins');
    assert.equal((await read(second.id)).status, 'resolved');
  });

  it('never reopens where the inbox says 0, and says so to the chat and the desk', async () => {
    const visitor = await visit(test.url, web, 'Maria');
    const { conversationId, say } = visitor;
    await visitor.say('Hello', 'first');
    // Else it comes after the end, and opens it again.
    await until(async () => (await read(conversationId)).lastCustomerPreview === 'Hello', 'it is stored');
    await test.owner('POST', `/conversations/${conversationId}/resolve`);
    const told = await visitor.socket.wait('status:changed', ({ status }) => status === 'resolved');
    const ended = await read(conversationId);
    assert.ok(ended.reopenUntil);
    assert.equal(told.reopenUntil, ended.reopenUntil);
    const words = await say('One more thing', 'second');
    assert.ok(words.success, JSON.stringify(words));
    await until(async () => (await read(conversationId)).status !== 'resolved', 'it goes on');

    const changed = await test.owner<Inbox>('PATCH', `/inboxes/${web.id}`, { settings: { reopenDays: 0 } });
    assert.equal(changed.data.settings.reopenDays, 0);
    await test.owner('POST', `/conversations/${conversationId}/resolve`);
    assert.equal((await read(conversationId)).reopenUntil, null);
    visitor.socket.close();
    const back = await connect(test.url, { inbox: web.token, visitor: visitor.token });
    const resumed = await back.call<{ status: string; reopenUntil: string | null }>('customer:resume', {
      conversationId,
      after: 0,
    });
    assert.ok(resumed.success);
    assert.deepEqual([resumed.data.status, resumed.data.reopenUntil], ['resolved', null]);
    const refused = await back.call('customer:send_message', { conversationId, text: 'Hello?', clientId: 'third' });
    assert.equal(refused.success, false);
    back.close();
  });
});
