import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Contact, Conversation, Message, SessionCreated, Inbox } from '@parley/contract';
import { connect, startTestApp, until } from '../test/app.ts';
import type { TestApp } from '../test/app.ts';
import { newId } from '../platform/data/ids.ts';
import { startOpenAiDouble } from '../test/doubles/openai.ts';
import type { ModelDouble } from '../test/doubles/model-script.ts';
import { startTelegramDouble } from '../test/doubles/telegram.ts';
import type { TelegramDouble } from '../test/doubles/telegram.ts';
import { assertGapless, history, makeBot, openTelegram, saidBy, says, SECRET, textUpdate } from '../test/talk.ts';
import type { Chat } from '../test/talk.ts';
import { RECEIVE } from './receive.ts';

/** Invariant 1: stored before acknowledged, once, in order; and what is not for us leaves no trace. */
describe('receiving', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let model: ModelDouble;
  let chat: Chat;
  let web: Inbox;
  let workspaceId: string;

  before(async () => {
    [telegram, model] = await Promise.all([startTelegramDouble(), startOpenAiDouble()]);
    test = await startTestApp({
      CHANNEL_TELEGRAM_API_URL: telegram.url,
      OPENAI_BASE_URL: model.url,
      OPENAI_API_KEY: 'key',
    });
    const bot = await makeBot(test, { name: 'Robin', model: 'openai/gpt-double' });
    chat = await openTelegram(test, telegram, bot.id);
    web = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
    workspaceId = (await test.owner<{ workspace: { id: string } }>('GET', '/me')).data.workspace.id;
    model.otherwise(says('Noted.'));
  });
  after(async () => {
    await test?.close();
    await Promise.all([telegram?.close(), model?.close()]);
  });

  const rows = <Row extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<Row[]> =>
    test.app.store.once<Row>(workspaceId, query);
  const storedEvents = async (): Promise<number> => {
    const [row] = await rows<{ count: number }>(sql`select count(*)::int as count from inbound_events`);
    return row?.count ?? -1;
  };
  const conversationsOf = async (n: number): Promise<Conversation[]> => {
    const { data } = await test.owner<Conversation[]>('GET', `/conversations?inboxId=${chat.inbox.id}&limit=100`);
    return data.filter((one) => one.contact.name === `Chat ${n}`);
  };

  describe('what is refused leaves nothing', () => {
    const refused: [string, number, () => Promise<number>][] = [
      ['a wrong secret', 401, () => chat.post(textUpdate(1, 1, 'hi'), 'wrong')],
      ['no secret', 401, () => chat.post(textUpdate(1, 1, 'hi'), '')],
      ['malformed JSON', 400, () => chat.post('{"update_id": 1, "message": ')],
      ['an empty body', 400, () => chat.post('')],
      ['JSON that is no update', 400, () => chat.post('[1, 2, 3]')],
      ['an update of wrong types', 400, () => chat.post(textUpdate(1, 1, 'hi', { chat: { id: { $ne: 1 } } }))],
      ['a date no calendar has', 400, () => chat.post(textUpdate(1, 1, 'hi', { date: Number.MAX_SAFE_INTEGER }))],
      ['11 MB', 413, () => chat.post(textUpdate(1, 1, 'x'.repeat(11 * 1024 * 1024)))],
    ];
    for (const [name, status, run] of refused) {
      it(`${name}: ${status}`, async () => {
        const before = await storedEvents();
        assert.equal(await run(), status);
        assert.equal(await storedEvents(), before);
      });
    }

    it('an unknown token, a channel that is not the inbox’s, a method that is none: 404', async () => {
      const before = await storedEvents();
      const post = (path: string, method = 'POST') =>
        fetch(test.url + path, {
          method,
          headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': SECRET },
          ...(method === 'GET' ? {} : { body: JSON.stringify(textUpdate(1, 1, 'hi')) }),
        });
      assert.equal((await post('/webhooks/telegram/nobody-has-this-token-at-all')).status, 404);
      assert.equal((await post(`/webhooks/telegram/${'a'.repeat(5000)}`)).status >= 400, true);
      assert.equal((await post(`/webhooks/telegram/${web.token}`)).status, 404);
      assert.equal((await post(`/webhooks/fax/${chat.inbox.token}`)).status, 404);
      assert.equal((await post(`/webhooks/telegram/${chat.inbox.token}`, 'PUT')).status, 404);
      assert.equal(await storedEvents(), before);
    });

    it('a disabled inbox answers 200 and keeps nothing; enabled again it does', async () => {
      const disabled = await test.owner<Inbox>('PATCH', `/inboxes/${chat.inbox.id}`, { enabled: false });
      assert.equal(disabled.data?.status, 'disabled', JSON.stringify(disabled.error));
      const before = await storedEvents();
      await chat.say(2, 'is anybody there?');
      assert.equal(await storedEvents(), before);
      await test.owner('PATCH', `/inboxes/${chat.inbox.id}`, { enabled: true });
      await chat.say(2, 'and now?');
      assert.equal(await storedEvents(), before + 1);
      await until(async () => chat.heard(2).length === 1, 'the second one was answered');
    });
  });

  it('is committed when the platform gets its 200', async () => {
    const id = chat.nextUpdate();
    assert.equal(await chat.post(textUpdate(id, 3, 'first thing')), 200);
    const [row] = await rows<{ text: string }>(
      sql`select payload->>'text' as text from inbound_events where platform_id = ${`update:${id}`}`,
    );
    assert.equal(row?.text, 'first thing');
  });

  it('the same update three times at once, and again later, is stored once and answered once', async () => {
    const update = textUpdate(chat.nextUpdate(), 4, 'hello robot, what is up?');
    const answers = await Promise.all([chat.post(update), chat.post(update), chat.post(update)]);
    assert.deepEqual(answers, [200, 200, 200]);
    await until(async () => chat.heard(4).length > 0, 'the answer came');
    assert.equal(await chat.post(update), 200);
    await chat.say(4, 'something else');
    await until(async () => chat.heard(4).length > 1, 'the next answer came');
    const messages = await chat.messages(4);
    assert.deepEqual(saidBy(messages, 'contact'), ['hello robot, what is up?', 'something else']);
    assert.deepEqual(chat.heard(4), ['Noted.', 'Noted.']);
  });

  it('two first messages at once make one conversation and one contact', async () => {
    await Promise.all([chat.say(5, 'one'), chat.say(5, 'two'), chat.say(5, 'three')]);
    await until(async () => saidBy(await chat.messages(5), 'contact').length === 3, 'all are stored');
    assert.equal((await conversationsOf(5)).length, 1);
    const contacts = await test.owner<Contact[]>('GET', '/contacts?q=Chat%205');
    assert.equal(contacts.data.filter((one) => one.name === 'Chat 5').length, 1);
  });

  it('one visitor in two tabs who starts twice at once has one conversation and one contact', async () => {
    const first = await connect(test.url, { inbox: web.token });
    const began = await first.call<SessionCreated>('customer:start_chat', { name: 'Two Tabs' });
    assert.ok(began.success);
    await test.owner('POST', `/conversations/${began.data.conversationId}/resolve`);
    const tabs = await Promise.all(
      [1, 2, 3].map(() => connect(test.url, { inbox: web.token, visitor: began.data.visitor })),
    );
    const sessions = await Promise.all(tabs.map((tab) => tab.call<SessionCreated>('customer:start_chat')));
    const ids = sessions.map((session) => (session.success ? session.data.conversationId : 'refused'));
    assert.equal(new Set(ids).size, 1);
    assert.notEqual(ids[0], began.data.conversationId);
    for (const tab of [first, ...tabs]) tab.close();
  });

  it('100 messages at once to one chat: all stored, in the order they were accepted, answered in order', async () => {
    const asked = Array.from({ length: 100 }, (_, index) => `burst ${index}`);
    const heardBefore = model.requests.length;
    model.otherwise((request) => says(`Read ${burstNumbers(request.body).join(' ')}.`));
    const statuses = await Promise.all(asked.map((text) => chat.post(textUpdate(chat.nextUpdate(), 6, text))));
    assert.ok(statuses.every((status) => status === 200));
    const found = await until(async () => {
      const messages = await chat.messages(6);
      const said = saidBy(messages, 'contact');
      const read = saidBy(messages, 'bot').join(' ').match(/\d+/g) ?? [];
      return said.length === 100 && read.length >= 100 && messages;
    }, 'all are stored and answered');
    model.otherwise(says('Noted.'));

    assertGapless(found);
    assert.deepEqual(saidBy(found, 'contact').sort(), [...asked].sort());
    const accepted = await rows<{ text: string }>(
      sql`select payload->>'text' as text from inbound_events where thread_key = '6' order by seq`,
    );
    assert.deepEqual(
      saidBy(found, 'contact'),
      accepted.map((row) => row.text),
    );
    // Every message stands in exactly one question, in its order, and the replies reach the phone in theirs.
    const read = saidBy(found, 'bot').flatMap((text) => text.match(/\d+/g) ?? []);
    assert.deepEqual(
      read.map((number) => `burst ${number}`),
      accepted.map((row) => row.text),
    );
    const replies = saidBy(found, 'bot');
    await until(async () => chat.heard(6).length === replies.length, 'all replies are delivered');
    assert.deepEqual(chat.heard(6), replies);
    assert.equal(model.requests.length - heardBefore >= replies.length, true);
  });

  it('a later message is not committed before an earlier one of its chat, also by another process', async () => {
    // Another process: its statement is through, its commit is not.
    const other = test.app.database.openPool({ max: 1, searchPath: 'public', name: 'another process' });
    const client = await other.connect();
    try {
      await client.query('begin');
      const event = (text: string): string =>
        JSON.stringify({ kind: 'message', platformId: text, threadKey: '7', type: 'text', text, media: [] });
      await client.query(RECEIVE, [
        workspaceId,
        [newId()],
        [chat.inbox.id],
        ['7'],
        ['update:earlier'],
        ['message'],
        [event('earlier')],
        [null],
      ]);
      let isAcknowledged = false;
      const later = chat.post(textUpdate(chat.nextUpdate(), 7, 'later')).then((status) => {
        isAcknowledged = true;
        return status;
      });
      // What waits for nobody is through by then. (The embedded database runs one transaction at a time by itself.)
      if (test.app.database.kind === 'external') await chat.say(8, 'of another chat');
      assert.equal(isAcknowledged, false);
      await client.query('commit');
      assert.equal(await later, 200);
    } finally {
      client.release();
      await other.end();
    }
    const stored = await rows<{ platform_id: string }>(
      sql`select platform_id from inbound_events where thread_key = '7' order by seq`,
    );
    assert.equal(stored[0]?.platform_id, 'update:earlier');
    assert.equal(stored.length, 2);
  });

  describe('hostile words', () => {
    const words: [string, string, string][] = [
      ['100 000 characters', 'long '.repeat(20_000).trim(), 'long '.repeat(20_000).trim()],
      ['emoji and families', '👩‍👩‍👧‍👦🏳️‍🌈🇫🇮 e\u0301', '👩‍👩‍👧‍👦🏳️‍🌈🇫🇮 e\u0301'],
      ['right to left and its marks', 'مرحبا \u202eكيف\u202c שלום', 'مرحبا \u202eكيف\u202c שלום'],
      ['zero width', 'a\u200bb\u200cc\u200dd\ufeffe', 'a\u200bb\u200cc\u200dd\ufeffe'],
      ['NUL', 'before\u0000after', 'beforeafter'],
      ['half a pair', 'broken \ud83d pair \udc00', 'broken \ufffd pair \ufffd'],
      [
        'markup',
        "<img src=x onerror=alert(1)> {{7*7}} ${x} '; drop table messages; --",
        "<img src=x onerror=alert(1)> {{7*7}} ${x} '; drop table messages; --",
      ],
      ['a preview that ends inside an emoji', `${'x'.repeat(139)}😀 end`, `${'x'.repeat(139)}😀 end`],
    ];
    for (const [index, [name, sent, kept]] of words.entries()) {
      it(`${name}, by webhook`, async () => {
        const n = 100 + index;
        await chat.say(n, sent);
        await until(async () => chat.heard(n).length === 1, 'it was answered');
        assert.equal(saidBy(await chat.messages(n), 'contact')[0], kept);
        assert.equal((await chat.conversation(n))?.lastMessagePreview.isWellFormed(), true);
      });
    }

    it('by the visitor’s socket and by REST and the agent’s socket', async () => {
      const visitor = await connect(test.url, { inbox: web.token });
      const agent = await connect(test.url, { token: test.ownerToken });
      const began = await visitor.call<SessionCreated>('customer:start_chat', { name: 'N\u0000ul \ud83d' });
      assert.ok(began.success, JSON.stringify(began));
      const { conversationId } = began.data;
      for (const [index, [, text]] of words.entries()) {
        const sent = await visitor.call('customer:send_message', { conversationId, text, clientId: `w${index}` });
        assert.ok(sent.success, JSON.stringify(sent));
      }
      await until(
        async () => saidBy(await history(test, conversationId), 'contact').length === words.length,
        'all of the visitor’s are stored',
      );
      for (const [index, [, text]] of words.entries()) {
        const rest = await test.owner('POST', `/conversations/${conversationId}/messages`, { text });
        assert.equal(rest.status, 201, JSON.stringify(rest.error));
        const socket = await agent.call('agent:send_message', { conversationId, text, clientId: `a${index}` });
        assert.ok(socket.success, JSON.stringify(socket));
      }
      const messages = await history(test, conversationId);
      const kept = words.map(([, , text]) => text);
      assert.deepEqual(saidBy(messages, 'contact'), kept);
      assert.deepEqual(
        saidBy(messages, 'agent'),
        kept.flatMap((text) => [text, text]),
      );
      assertGapless(messages);
      const malformed = await test.owner('POST', `/conversations/${conversationId}/messages`, '{"text": ');
      assert.equal(malformed.status, 400);
      const tooLong = await visitor.call('customer:send_message', {
        conversationId,
        text: 'x'.repeat(100_001),
        clientId: 'too-long',
      });
      assert.equal(tooLong.success, false);
      const large = await test.owner('POST', `/conversations/${conversationId}/messages`, {
        text: 'x'.repeat(11 * 1024 * 1024),
      });
      assert.equal(large.status, 413);
      assert.equal((await history(test, conversationId)).length, messages.length);
      visitor.close();
      agent.close();
    });
  });

  it('a resend of the visitor’s is harmless, also from another tab, also at once', async () => {
    const visitor = await connect(test.url, { inbox: web.token });
    const began = await visitor.call<SessionCreated>('customer:start_chat');
    assert.ok(began.success);
    const { conversationId } = began.data;
    const again = await connect(test.url, { inbox: web.token, visitor: began.data.visitor });
    await again.call('customer:start_chat');
    const message = { conversationId, text: 'say it once', clientId: 'the-same' };
    const answers = await Promise.all(
      [visitor, again, visitor].map((tab) => tab.call('customer:send_message', message)),
    );
    assert.ok(answers.every((answer) => answer.success));
    await visitor.wait('message:received', (one) => one.author.type === 'bot');
    assert.ok((await again.call('customer:send_message', message)).success);
    // An agent's id may look like a customer's: it is another message all the same.
    const agents = await test.owner<Message>('POST', `/conversations/${conversationId}/messages`, {
      text: 'from a person',
      clientId: 'the-same',
    });
    assert.equal(agents.data.text, 'from a person');
    const messages = await history(test, conversationId);
    assert.deepEqual(saidBy(messages, 'contact'), ['say it once']);
    assert.equal(saidBy(messages, 'bot').length, 1);
    visitor.close();
    again.close();
  });
});

/** The numbers of the burst that the request's question holds. */
function burstNumbers(body: Record<string, unknown>): string[] {
  const question = /<question>([\s\S]*?)<\/question>/.exec(JSON.stringify(body))?.[1] ?? '';
  return [...question.matchAll(/burst (\d+)/g)].map((match) => match[1] ?? '');
}
