import assert from 'node:assert/strict';
import type { Bot, Conversation, Inbox, KnowledgeBase } from '@parley/contract';
import { connect, startTestApp, until } from '../app.ts';
import type { Call } from '../app.ts';
import { startTelegramDouble } from '../doubles/telegram.ts';
import { assertGapless, history, learn, openTelegram, visit } from '../talk.ts';

export type Lived = Awaited<ReturnType<typeof startLived>>;

/** A workspace that is lived in: a bot that has read something, and a customer on Telegram whom it answered once. */
export async function startLived() {
  const telegram = await startTelegramDouble();
  const test = await startTestApp({ CHANNEL_TELEGRAM_API_URL: telegram.url });
  const base = (await test.owner<KnowledgeBase>('POST', '/knowledge-bases', { name: 'Help' })).data;

  const rows = (text: string, address?: string): Promise<Record<string, unknown>[]> =>
    test.app.database.asOwner(async (client) => (await client.query(text)).rows, address);

  const answer = 'A refund takes five working days after we have received the parcel.';
  await learn(test, base.id, 'How long does a refund take?', answer);
  const bot = (await test.owner<Bot>('POST', '/bots', { name: 'Robin', knowledgeBaseIds: [base.id] })).data;
  const chat = await openTelegram(test, telegram, bot.id);
  /** The customer asks once more, and is answered. */
  async function ask(): Promise<void> {
    const answers = () => chat.heard(1).filter((text) => /five working days/.test(text)).length;
    const before = answers();
    await chat.say(1, 'How long does a refund take?');
    await until(async () => answers() > before, 'an answer');
  }
  await ask();
  const earlier = (await chat.inStatus(1, 'bot')).id;
  const [owner] = await rows(`select workspace_id from inboxes where id = '${chat.inbox.id}'`);

  return {
    test,
    chat,
    bot,
    workspaceId: String(owner?.['workspace_id']),
    /** the conversation with the customer on Telegram */
    earlier,
    /** By the owner of the tables; at `address` in another database. */
    rows,
    ask,
    /** Receives, answers, hands over and searches. @returns the new conversation */
    async live(): Promise<string> {
      await ask();
      await learn(test, base.id, 'Do you ship to Finland?', 'Yes, parcels to Finland take three days.');
      const web = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
      const agent = await connect(test.url, { token: test.ownerToken });
      const { socket, conversationId, say } = await visit(test.url, web, 'Maria');
      await say('Do you ship to Finland?');
      const said = await socket.wait('message:received', (message) => message.author.type === 'bot');
      assert.match(said.text, /three days/);
      await say('I want to talk to a human');
      await socket.wait('status:changed', (change) => change.status === 'waiting');
      const picked = await agent.call('agent:pickup_session', { conversationId });
      assert.ok(picked.success, JSON.stringify(picked));
      const reply = { conversationId, text: 'Hello Maria, the zebra is here.', clientId: 'a1' };
      await agent.call('agent:send_message', reply);
      await socket.wait('message:received', (message) => message.author.type === 'agent');
      const found = await test.owner<Conversation[]>('GET', '/conversations?q=zebra');
      assert.deepEqual(
        found.data.map(({ id }) => id),
        [conversationId],
      );
      assertGapless(await history(test, conversationId));
      assert.deepEqual(await rows(`select from public.messages where conversation_id = '${conversationId}'`), []);
      socket.close();
      agent.close();
      return conversationId;
    },
    /** Another workspace finds nothing of it. @returns the other one's calls */
    async assertHidden(): Promise<Call> {
      const { call } = await test.stranger();
      for (const path of [`/conversations/${earlier}`, `/bots/${bot.id}`, `/inboxes/${chat.inbox.id}`])
        assert.equal((await call('GET', path)).status, 404, path);
      assert.deepEqual((await call<Conversation[]>('GET', '/conversations')).data, []);
      return call;
    },
    async close(): Promise<void> {
      await test.close();
      await telegram.close();
    },
  };
}
