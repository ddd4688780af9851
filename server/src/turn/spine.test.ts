import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Bot, Conversation, Handoff, Inbox, KnowledgeBase, Message, SessionCreated } from '@parley/contract';
import { startTelegramDouble } from '../test/doubles/telegram.ts';
import type { TelegramDouble } from '../test/doubles/telegram.ts';
import { connect, startTestApp, until } from '../test/app.ts';
import type { TestApp } from '../test/app.ts';
import { learn } from '../test/talk.ts';

/** From a question to an answer, a handoff and a human reply: the spine, by its front doors. */
describe('the spine', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let bot: Bot;
  let web: Inbox;
  let base: KnowledgeBase;

  before(async () => {
    telegram = await startTelegramDouble();
    test = await startTestApp({ CHANNEL_TELEGRAM_API_URL: telegram.url });
    base = (await test.owner<KnowledgeBase>('POST', '/knowledge-bases', { name: 'Help' })).data;
    const answer = 'A refund takes five working days after we have received the parcel.';
    await learn(test, base.id, 'How long does a refund take?', answer);
    bot = (
      await test.owner<Bot>('POST', '/bots', { name: 'Robin', knowledgeBaseIds: [base.id], missesBeforeHandoff: 0 })
    ).data;
    web = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
  });
  after(async () => {
    await test?.close();
    await telegram?.close();
  });

  it('answers a visitor with a source, hands over, and lets a human reply', async () => {
    const agent = await connect(test.url, { token: test.ownerToken });
    const visitor = await connect(test.url, { inbox: web.token });
    const started = await visitor.call<SessionCreated>('customer:start_chat', { name: 'Maria' });
    assert.ok(started.success);
    const { conversationId } = started.data;
    await agent.call('conversation:subscribe', { conversationId });

    const sent = await visitor.call('customer:send_message', {
      conversationId,
      text: 'How long does a refund take?',
      clientId: 'c1',
    });
    assert.ok(sent.success);
    const answer = await visitor.wait('message:received', (message) => message.author.type === 'bot');
    assert.match(answer.text, /five working days/);
    const cited =
      answer.citations.length > 0
        ? answer
        : await visitor.wait('message:updated', (message) => message.citations.length > 0);
    assert.equal(cited.citations[0]?.number, 1);

    await visitor.call('customer:send_message', { conversationId, text: 'I want to talk to a human', clientId: 'c2' });
    const waiting = await visitor.wait('status:changed', (change) => change.status === 'waiting');
    assert.equal(waiting.position, 1);
    const queue = await agent.wait('queue:update', (update) => update.handoffs.length === 1);
    assert.equal(queue.handoffs[0]?.reason, 'CUSTOMER_REQUEST');

    const picked = await agent.call('agent:pickup_session', { conversationId });
    assert.ok(picked.success, JSON.stringify(picked));
    await visitor.wait('session:assigned');
    await agent.call('agent:send_message', { conversationId, text: 'Hello Maria, I am here.', clientId: 'a1' });
    const human = await visitor.wait('message:received', (message) => message.author.type === 'agent');
    assert.equal(human.text, 'Hello Maria, I am here.');

    // The bot is silent while a human owns the conversation.
    await visitor.call('customer:send_message', {
      conversationId,
      text: 'How long does a refund take?',
      clientId: 'c3',
    });
    await agent.wait('message:received', (message) => message.clientId === 'c3');
    const { data } = await test.owner<Message[]>('GET', `/conversations/${conversationId}/messages?limit=100`);
    const after3 = data.slice(data.findIndex((message) => message.clientId === 'c3') + 1);
    assert.deepEqual(after3, []);
    assert.deepEqual(
      data.map((message) => message.seq),
      data.map((_message, index) => index + 1),
    );

    const given = await test.owner<Conversation>('POST', `/conversations/${conversationId}/return-to-bot`);
    assert.equal(given.data.status, 'bot');
    const resolved = await test.owner<Conversation>('POST', `/conversations/${conversationId}/resolve`);
    assert.equal(resolved.data.status, 'resolved');
    await visitor.wait('session:closed');
    visitor.close();
    agent.close();
  });

  it('answers on Telegram, says what it does not know, and puts it into the queue', async () => {
    const made = await test.owner<Inbox>('POST', '/inboxes', {
      name: 'Telegram',
      channel: 'telegram',
      botId: bot.id,
      credentials: { botToken: telegram.token, secretToken: 'a-secret-of-ours' },
    });
    assert.equal(made.status, 201, JSON.stringify(made.error));
    const post = (update: unknown, secret = 'a-secret-of-ours') =>
      fetch(`${test.url}/webhooks/telegram/${made.data.token}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': secret },
        body: JSON.stringify(update),
      });
    const update = (id: number, text: string) => ({
      update_id: id,
      message: {
        message_id: id,
        date: 1_700_000_000,
        chat: { id: 77, type: 'private', first_name: 'Juho' },
        from: { id: 77, is_bot: false, first_name: 'Juho', language_code: 'en' },
        text,
      },
    });
    assert.equal((await post(update(1, 'hi'), 'wrong')).status, 401);
    assert.equal((await post(update(2, 'How long does a refund take?'))).status, 200);
    await until(
      async () => telegram.messages.some((message) => /five working days/.test(String(message.text))),
      'the answer was delivered',
    );
    assert.equal((await post(update(2, 'How long does a refund take?'))).status, 200);
    assert.equal((await post(update(3, 'Which submarine do you sell in Antarctica?'))).status, 200);
    const queue = await until(async () => {
      const { data } = await test.owner<Handoff[]>('GET', '/handoffs');
      return data.find((handoff) => handoff.inbox.id === made.data.id);
    }, 'the handoff waits');
    assert.equal(queue.reason, 'BOT_NOT_ENOUGH_DATA');
    assert.match(queue.question ?? '', /submarine/);
    await until(
      async () => telegram.messages.some((message) => /number 1/.test(String(message.text))),
      'the customer was told',
    );
    const answers = telegram.messages.filter((message) => /five working days/.test(String(message.text)));
    assert.equal(answers.length, 1);
  });
});
