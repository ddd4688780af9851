import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { ConversationStatus, Message } from '@parley/contract';
import type { Inbound } from '../channels/contract.ts';
import type { MessagePayload } from '../db/schema/index.ts';
import { takeOverOutside } from '../features/conversations/commands.ts';
import type { Changed } from '../features/conversations/commands.ts';
import { resolveVisitorAttachments } from '../features/files/commands.ts';
import { append } from '../features/messages/commands.ts';
import type { NewMessage } from '../features/messages/commands.ts';
import { messageFacts } from '../features/messages/facts.ts';
import type { Tx } from '../platform/data/tenant.ts';
import type { Fact } from '../platform/facts/define.ts';
import type { Joined } from './album.ts';
import { findMessage } from './apply.ts';
import { LeaseLost } from './lease.ts';
import type { Lease } from './lease.ts';
import type { PendingEvent } from './threads.ts';

/** Platforms tell whole seconds, and need one. */
const LATE_MS = 5_000;

export type MessageEvent = PendingEvent & { event: Extract<Inbound, { kind: 'message' }> };

/** The platform's ids of what these messages are made of. */
export const idsOf = (events: Joined[]): string[] =>
  events.flatMap(({ event, items }) => items?.map(({ messageId }) => messageId) ?? [event.messageId]);

/** The event's id is the message's id: a second try stores nothing twice. */
export const toNewMessage = (
  { id, event, items, receivedAt }: Joined,
  attachments: Message['attachments'] = [],
): NewMessage => ({
  id,
  author: { type: 'contact', id: null, name: event.sender.name ?? event.sender.username ?? null },
  text: event.text,
  type: event.type,
  payload: { ...payloadOf(event), ...sentAt(event, receivedAt), ...(items ? { album: items } : {}) },
  attachments,
  clientId: event.clientId,
  platformId: event.messageId,
});

/** By the platform's clock, when it took a while to reach us. */
function sentAt({ at, timeless }: Written, receivedAt: number | undefined): MessagePayload {
  const isLate = !timeless && receivedAt !== undefined && receivedAt - Date.parse(at) >= LATE_MS;
  return isLate ? { sentAt: at } : {};
}

type Written = Extract<Inbound, { kind: 'message' | 'echo' }>;
const payloadOf = ({ location, details, unsupported }: Written): MessagePayload => ({
  ...(location ? { location } : {}),
  ...(details ? { details } : {}),
  ...(unsupported ? { unsupported } : {}),
});

/** Which message of ours or theirs is answered, by our own id; in the platform's words where it is a part, or older than what we have. */
async function withReply(
  tx: Tx,
  inboxId: string,
  threadId: string,
  event: Written,
  message: NewMessage,
): Promise<NewMessage> {
  if (event.replyToMessageId === undefined) return message;
  const replyToId = await findMessage(tx, inboxId, threadId, event.replyToMessageId);
  const { text = '', author = null, isPart = false } = event.quote ?? {};
  const quote = text !== '' && (isPart || !replyToId) ? { quote: { text, author } } : {};
  return { ...message, payload: { ...message.payload, ...(replyToId ? { replyToId } : {}), ...quote } };
}

/** When the customer last wrote, for windows and replies; as columns of the conversation. */
export const lastInbound = (events: MessageEvent[]): SQL => {
  const last = events.reduce((latest, next) => (next.event.at >= latest.event.at ? next : latest));
  return sql`last_inbound_at = greatest(last_inbound_at, ${last.event.at}::timestamptz),
    last_inbound_id = case when last_inbound_at > ${last.event.at}::timestamptz then last_inbound_id else ${last.event.messageId} end`;
};

/** What was sent stays out of the facts: they are read across workspaces. The event has it, under the message's id. */
export const receivedFacts =
  (target: { workspaceId: string; conversationId: string }, events: MessageEvent[]) =>
  (_message: NewMessage, id: string): Fact[] => {
    const { workspaceId, conversationId } = target;
    const files = events.find((event) => event.id === id)?.event.media.length ?? 0;
    return [messageFacts.make('message.received', { workspaceId, subjectId: id, payload: { conversationId, files } })];
  };

/** Undefined when refused; without a status when every message was there already. */
export async function storeMessages(
  tx: Tx,
  inboxId: string,
  target: { workspaceId: string; conversationId: string },
  lease: Lease,
  events: Joined[],
): Promise<{ messages: Message[]; status?: ConversationStatus } | undefined> {
  const attachments = new Map<string, Message['attachments']>();
  for (const { id, event } of events) {
    if (event.attachmentIds?.length)
      attachments.set(id, await resolveVisitorAttachments(tx, target.conversationId, event.attachmentIds));
  }
  const made = await append(
    tx,
    target,
    await Promise.all(
      events.map((event) =>
        withReply(tx, inboxId, lease.threadId, event.event, toNewMessage(event, attachments.get(event.id))),
      ),
    ),
    { guard: { open: true, lease }, changes: lastInbound(events), facts: receivedFacts(target, events) },
  );
  if (made.outcome === 'refused') return undefined;
  return made.outcome === 'stored' ? { messages: made.messages, status: made.status } : { messages: [] };
}

/** What a colleague wrote in the platform's own app; what we sent ourselves and get back is left alone. */
export async function storeEcho(
  tx: Tx,
  inboxId: string,
  target: { workspaceId: string; conversationId: string },
  lease: Lease,
  { id, event, receivedAt }: PendingEvent & { event: Extract<Inbound, { kind: 'echo' }> },
): Promise<{ messages: Message[]; takeover?: Changed | undefined }> {
  if (await findMessage(tx, inboxId, lease.threadId, event.messageId)) return { messages: [] };
  const takeover = await takeOverOutside(tx, target);
  const { workspaceId, conversationId } = target;
  const message: NewMessage = {
    id,
    author: { type: 'agent', id: null, name: null },
    text: event.text,
    type: event.type,
    payload: { ...payloadOf(event), ...sentAt(event, receivedAt) },
    platformId: event.messageId,
  };
  const made = await append(tx, target, [await withReply(tx, inboxId, lease.threadId, event, message)], {
    guard: { lease },
    facts: () => [
      messageFacts.make('message.echoed', {
        workspaceId,
        subjectId: id,
        payload: { conversationId, files: event.media.length },
      }),
    ],
  });
  if (made.outcome === 'refused') throw new LeaseLost();
  return { messages: made.outcome === 'stored' ? made.messages : [], takeover };
}
