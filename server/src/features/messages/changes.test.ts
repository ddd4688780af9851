import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Bot, Conversation, Inbox, Message } from '@parley/contract';
import { connect, startTestApp, until } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';
import { startTelegramDouble } from '../../test/doubles/telegram.ts';
import type { TelegramDouble } from '../../test/doubles/telegram.ts';
import { history, openTelegram, visit } from '../../test/talk.ts';

/**
 * The channel alone decides whether the customer gets a message on the socket or through the platform, whoever wrote it:
 * the bot, the closing text of a handoff, an agent by REST or by socket.
 */
describe('uneven channelIsLive', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let bot: Bot;

  before(async () => {
    telegram = await startTelegramDouble();
    test = await startTestApp({ CHANNEL_TELEGRAM_API_URL: telegram.url });
    bot = (await test.owner<Bot>('POST', '/bots', { name: 'Robin' })).data;
  });
  after(async () => {
    await test?.close();
    await telegram?.close();
  });

  /** The bot has answered and handed over already. */
  async function answer(conversationId: string): Promise<Message[]> {
    const waits = async () =>
      (await test.owner<Conversation>('GET', `/conversations/${conversationId}`)).data.status === 'waiting';
    await until(waits, 'it waits');
    const agent = await connect(test.url, { token: test.ownerToken });
    assert.ok((await agent.call('agent:pickup_session', { conversationId })).success);
    assert.ok((await agent.call('agent:send_message', { conversationId, text: 'by socket', clientId: 's' })).success);
    agent.close();
    await test.owner('POST', `/conversations/${conversationId}/messages`, { text: 'by REST' });
    await test.owner('POST', `/conversations/${conversationId}/messages`, { text: 'a note', private: true });
    return (await history(test, conversationId)).filter(
      ({ author, private: isPrivate }) => !isPrivate && ['bot', 'agent'].includes(author.type),
    );
  }

  it('web: every one on the socket, none waits for a platform, and a note is for agents', async () => {
    const web = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
    const visitor = await visit(test.url, web, 'Maria');
    await visitor.say('Hello');
    await visitor.socket.wait('message:received', ({ author }) => author.type === 'bot');
    await visitor.say('I want to talk to a human');
    const messages = await answer(visitor.conversationId);
    assert.equal(messages.length > 3, true);
    for (const { text, status } of messages) {
      await visitor.socket.wait('message:received', (message) => message.text === text);
      assert.equal(status, 'sent', text);
    }
    assert.equal(
      visitor.socket.seen('message:received').some(({ text }) => text === 'a note'),
      false,
    );
    visitor.socket.close();
  });

  it('a platform: every one goes through it', async () => {
    const chat = await openTelegram(test, telegram, bot.id);
    await chat.say(1, 'Hello');
    await until(async () => chat.heard(1).length > 0, 'the bot answers');
    await chat.say(1, 'I want to talk to a human');
    const { id } = await chat.inStatus(1, 'waiting');
    const messages = await answer(id);
    assert.equal(messages.length > 3, true);
    await until(async () => chat.heard(1).length === messages.length, 'all came');
    assert.deepEqual(
      chat.heard(1),
      messages.map(({ text }) => text),
    );
  });
});
