import assert from 'node:assert/strict';
import type { Conversation, Inbox, Message } from '@parley/contract';
import { whatsappEvent, type WhatsappDouble } from './doubles/whatsapp.ts';
import { until } from './app.ts';
import { history, type Running } from './talk.ts';

let count = 0;
export const secondsAgo = (seconds: number): string => String(Math.floor(Date.now() / 1_000) - seconds);

/** A WhatsApp inbox, and customers who write to it from their phones. */
export async function openWhatsapp(test: Running, double: WhatsappDouble, botId: string | null) {
  const { phoneNumberId, accessToken, appSecret, verifyToken, businessAccountId } = double;
  const made = await test.owner<Inbox>('POST', '/inboxes', {
    name: 'WhatsApp',
    channel: 'whatsapp',
    botId,
    credentials: { phoneNumberId, accessToken, appSecret, verifyToken, businessAccountId },
  });
  assert.equal(made.status, 201, JSON.stringify(made.error));
  const inbox = made.data;
  const address = `${test.url}/webhooks/whatsapp/${inbox.token}`;
  const deliver = (payload: unknown) => double.deliver(address, payload);

  async function conversation(name: string): Promise<Conversation | undefined> {
    const { data } = await test.owner<Conversation[]>('GET', `/conversations?inboxId=${inbox.id}&limit=100`);
    return data.find((one) => one.contact.name === name);
  }

  const stored = async (id: string): Promise<Message | undefined> => {
    const { data } = await test.owner<Conversation[]>('GET', '/conversations?limit=100');
    for (const one of data) {
      const found = (await history(test, one.id)).find((message) => message.id === id);
      if (found) return found;
    }
    return undefined;
  };

  return {
    stored,
    inStatus: (id: string, status: Message['status']): Promise<Message> =>
      until(async () => {
        const message = await stored(id);
        return message?.status === status && message;
      }, `the message is ${status}`),
    /** A person of ours takes the conversation and answers. */
    async reply(name: string, body: Record<string, unknown>) {
      const found = await until(() => conversation(name), `a conversation with ${name}`);
      return test.owner<Message>('POST', `/conversations/${found.id}/messages`, body);
    },
    inbox,
    address,
    deliver,
    conversation,
    /** The customer writes; opens the platform's window. Returns the platform's id. */
    async say(phone: string, text: string, more: Record<string, unknown> = {}): Promise<string> {
      double.open.add(phone);
      const id = `wamid.IN${(count += 1)}`;
      const message = { id, timestamp: secondsAgo(0), type: 'text', text: { body: text }, ...more };
      assert.equal(await deliver(whatsappEvent({ phone, name: phone }, { messages: [message] })), 200);
      return id;
    },
    receipt: (phone: string, id: string, status: string, more: Record<string, unknown> = {}) =>
      deliver(whatsappEvent({ phone, name: phone }, { statuses: [{ id, status, timestamp: secondsAgo(0), ...more }] })),
    messages: async (name: string): Promise<Message[]> => {
      const found = await conversation(name);
      return found ? history(test, found.id) : [];
    },
  };
}
