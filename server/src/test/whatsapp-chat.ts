import assert from 'node:assert/strict';
import type { Conversation, Inbox, Message } from '@parley/contract';
import { whatsappEvent, type WhatsappDouble } from './doubles/whatsapp.ts';
import { history, type Running } from './talk.ts';

let count = 0;
const seconds = (): string => String(Math.floor(Date.now() / 1_000));

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

  return {
    inbox,
    address,
    deliver,
    conversation,
    /** The customer writes; opens the platform's window. Returns the platform's id. */
    async say(phone: string, text: string, more: Record<string, unknown> = {}): Promise<string> {
      double.open.add(phone);
      const id = `wamid.IN${(count += 1)}`;
      const message = { id, timestamp: seconds(), type: 'text', text: { body: text }, ...more };
      assert.equal(await deliver(whatsappEvent({ phone, name: phone }, { messages: [message] })), 200);
      return id;
    },
    receipt: (phone: string, id: string, status: string, more: Record<string, unknown> = {}) =>
      deliver(whatsappEvent({ phone, name: phone }, { statuses: [{ id, status, timestamp: seconds(), ...more }] })),
    messages: async (name: string): Promise<Message[]> => {
      const found = await conversation(name);
      return found ? history(test, found.id) : [];
    },
  };
}
