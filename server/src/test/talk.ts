import assert from 'node:assert/strict';
import type { Bot, BotInput, Conversation, Inbox, Message, SessionCreated, Source } from '@parley/contract';
import type { ModelReply, ModelStep } from './doubles/model-script.ts';
import type { TelegramDouble } from './doubles/telegram.ts';
import { connect, createCall, until } from './app.ts';
import type { Call } from './app.ts';

/** The words of a conversation, from its outside: a customer on Telegram or on a web page, a model behind its wire. */

export const SECRET = 'a-secret-of-ours';

/** What a test needs of a running Parley: where it is, and a caller who may do everything. */
export type Running = { url: string; owner: Call };

/** A Telegram update as Telegram posts it. */
export const textUpdate = (id: number, chat: number, text: string, more: Record<string, unknown> = {}) => ({
  update_id: id,
  message: {
    message_id: id,
    date: 1_780_000_000,
    chat: { id: chat, type: 'private', first_name: `Chat ${chat}` },
    from: { id: chat, is_bot: false, first_name: `Chat ${chat}`, language_code: 'en' },
    text,
    ...more,
  },
});

export type Chat = Awaited<ReturnType<typeof openTelegram>>;
let lastUpdate = 1_000;
const connected = new WeakSet<object>();

/** A Telegram inbox of the bot, and customers who write to it. */
export async function openTelegram(
  test: Running,
  telegram: Pick<TelegramDouble, 'token' | 'messages'> & Partial<Pick<TelegramDouble, 'anotherToken'>>,
  botId: string | null,
  name = 'Telegram',
) {
  // One bot has one inbox of a workspace.
  const token = (connected.has(telegram) && telegram.anotherToken?.()) || telegram.token;
  connected.add(telegram);
  const made = await test.owner<Inbox>('POST', '/inboxes', {
    name,
    channel: 'telegram',
    botId,
    credentials: { botToken: token, secretToken: SECRET },
  });
  assert.equal(made.status, 201, JSON.stringify(made.error));
  const inbox = made.data;

  async function post(update: unknown, secret = SECRET): Promise<number> {
    const answer = await fetch(`${test.url}/webhooks/telegram/${inbox.token}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': secret },
      body: typeof update === 'string' ? update : JSON.stringify(update),
    });
    await answer.arrayBuffer();
    return answer.status;
  }

  /** The open or newest conversation with the customer of this chat. */
  async function conversation(chat: number): Promise<Conversation | undefined> {
    const { data } = await test.owner<Conversation[]>('GET', `/conversations?inboxId=${inbox.id}&limit=100`);
    return data.find((one) => one.contact.name === `Chat ${chat}`);
  }

  return {
    inbox,
    post,
    conversation,
    async say(chat: number, text: string, more: Record<string, unknown> = {}): Promise<number> {
      lastUpdate += 1;
      const update = textUpdate(lastUpdate, chat, text, more);
      assert.equal(await post(update), 200);
      return update.update_id;
    },
    nextUpdate: () => (lastUpdate += 1),
    messages: async (chat: number): Promise<Message[]> => {
      const found = await conversation(chat);
      return found ? history(test, found.id) : [];
    },
    /** what reached the customer's phone, in order */
    heard: (chat: number): string[] =>
      telegram.messages.filter((message) => message.chatId === String(chat)).map((message) => message.text),
    inStatus: (chat: number, status: Conversation['status']): Promise<Conversation> =>
      until(async () => {
        const found = await conversation(chat);
        return found?.status === status && found;
      }, `the conversation with chat ${chat} is ${status}`),
  };
}

export type Visit = Awaited<ReturnType<typeof visit>>;

/** A visitor of a web inbox, in a chat that is begun. */
export async function visit(url: string, inbox: Inbox, name?: string) {
  const socket = await connect(url, { inbox: inbox.token });
  const began = await socket.call<SessionCreated>('customer:start_chat', { name });
  assert.ok(began.success, JSON.stringify(began));
  const { conversationId, visitor: token } = began.data;
  return {
    socket,
    conversationId,
    /** with which they come back */
    token,
    say: (text: string, clientId = text) => socket.call('customer:send_message', { conversationId, text, clientId }),
  };
}

/** Every message of a conversation, oldest first, page by page. */
export async function history(test: Running, conversationId: string): Promise<Message[]> {
  const all: Message[] = [];
  for (;;) {
    const { data } = await test.owner<Message[]>(
      'GET',
      `/conversations/${conversationId}/messages?after=${all.at(-1)?.seq ?? 0}&limit=100`,
    );
    all.push(...data);
    if (data.length < 100) return all;
  }
}

export const saidBy = (messages: Message[], author: Message['author']['type']): string[] =>
  messages.filter((message) => message.author.type === author).map((message) => message.text);

/** Numbered without a gap: nothing lost, nothing stored beside the order. */
export function assertGapless(messages: Message[]): void {
  assert.deepEqual(
    messages.map((message) => message.seq),
    messages.map((_message, index) => index + 1),
  );
}

export async function makeBot(test: Running, input: Partial<BotInput> & { name: string }): Promise<Bot> {
  const made = await test.owner<Bot>('POST', '/bots', input);
  assert.equal(made.status < 300, true, JSON.stringify(made.error));
  return made.data;
}

/** Adds an answer to a knowledge base, and waits until bots can find it. */
export async function learn(test: Running, baseId: string, question: string, answer: string): Promise<void> {
  const faq = { type: 'faq', question, answer };
  const made = await test.owner<Source>('POST', `/knowledge-bases/${baseId}/sources`, faq);
  const isRead = async () => (await test.owner<Source>('GET', `/sources/${made.data.id}`)).data.status === 'ready';
  await until(isRead, 'the source is ready');
}

const quoted = (text: string): string => JSON.stringify(text).slice(1, -1);

/** The steps of a reply in the agreed form; `gates[n]` is waited for after paragraph n. */
export function replySteps(
  verdict: 'YES' | 'NO',
  paragraphs: string[],
  gates: (Promise<unknown> | undefined)[] = [],
): ModelStep[] {
  const steps: ModelStep[] = [`{"have_enough_information_for_reply":"${verdict}","reply":"`];
  for (const [index, paragraph] of paragraphs.entries()) {
    steps.push(quoted(paragraph + (index < paragraphs.length - 1 ? '\n\n' : '')));
    const gate = gates[index];
    if (gate) steps.push(gate);
  }
  return [...steps, '","citations":[]}'];
}

export const says = (...paragraphs: string[]): ModelReply => ({ kind: 'answer', steps: replySteps('YES', paragraphs) });
export const knowsNot = (attempt = ''): ModelReply => ({ kind: 'answer', steps: replySteps('NO', [attempt]) });
export const saysInSteps = (paragraphs: string[], gates: (Promise<unknown> | undefined)[]): ModelReply => ({
  kind: 'answer',
  steps: replySteps('YES', paragraphs, gates),
});

/** Something a test opens when it is time. */
export function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** A caller as the owner of a Parley in another process. */
export async function ownerOf(url: string, credentials: { email: string; password: string }): Promise<Call> {
  const login = await createCall(() => url)<{ accessToken: string }>('POST', '/auth/login', credentials);
  assert.equal(login.status, 200, JSON.stringify(login.error));
  return createCall(() => url, login.data.accessToken);
}
