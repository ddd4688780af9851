import { sql } from 'drizzle-orm';
import type { ConversationStatus, Message, MessageStatus } from '@parley/contract';
import type { Inbound } from '../channels/contract.ts';
import { openConversation, resolve, wakeUp } from '../features/conversations/commands.ts';
import { setReachable } from '../features/contacts/commands.ts';
import { resolveVisitorAttachments } from '../features/files/commands.ts';
import { advance, append, edit, remove } from '../features/messages/commands.ts';
import type { InboxRuntime } from '../features/inboxes/lookup.ts';
import { newId } from '../platform/ids.ts';
import { currentRequestId } from '../platform/log.ts';
import type { Tx } from '../platform/tenant.ts';
import type { Lease, PendingEvent } from './lease.ts';
import { LeaseLost } from './mailbox.ts';
import type { Round } from './mailbox.ts';

export type StoredRound = {
  conversation: { id: string; status: ConversationStatus; botId: string | null; contactId: string };
  isNew: boolean;
  messages: Message[];
  changed: Message[];
  action: 'request_agent' | 'start' | 'end' | undefined;
  /** begun when the bot has to do something about it */
  turn: { id: string; attempts: number } | undefined;
};

type MessageEvent = PendingEvent & { event: Extract<Inbound, { kind: 'message' }> };
const isMessage = (event: PendingEvent): event is MessageEvent => event.event.kind === 'message';
const isWorthStoring = ({ event }: MessageEvent): boolean =>
  event.text !== '' || event.media.length > 0 || !!event.attachmentIds?.length || !!event.location;

/**
 * The first half of a round: the customer's messages become rows (the event's id is the message's id, so a second try
 * stores nothing twice), edits and receipts are applied in their order, and the turn is begun. One transaction.
 */
export async function storeEvents(tx: Tx, inbox: InboxRuntime, round: Round): Promise<StoredRound> {
  const { workspaceId } = round.key;
  const first = round.events[0];
  if (!first) throw new Error('a round needs events');
  let isNew = false;
  let conversation = round.conversation;
  if (!conversation) {
    const opened = await openConversation(
      tx,
      { workspaceId, inboxId: inbox.id, botId: inbox.botId },
      round.key.threadKey,
      first.event.sender,
    );
    isNew = opened.isNew;
    conversation = {
      id: opened.conversationId,
      status: opened.status,
      botId: inbox.botId,
      contactId: opened.contactId,
    };
  }
  const target = { workspaceId, conversationId: conversation.id };
  const messages: Message[] = [];
  const changed: Message[] = [];

  if (conversation.status === 'snoozed' && round.events.some(isMessage)) {
    const woken = await wakeUp(tx, target);
    if (woken) conversation = { ...conversation, status: woken.status };
    if (woken?.message) messages.push(woken.message);
  }

  let batch: MessageEvent[] = [];
  const flush = async (): Promise<void> => {
    const worth = batch.filter(isWorthStoring);
    batch = [];
    if (worth.length > 0) messages.push(...(await storeMessages(tx, target, round.lease, worth)));
  };
  for (const event of round.events) {
    if (isMessage(event)) {
      batch.push(event);
      continue;
    }
    await flush();
    if (event.event.kind === 'message') continue;
    const message = await applyEvent(tx, inbox, conversation.id, event.event);
    if (message) changed.push(message);
  }
  await flush();

  const said = round.events.filter(isMessage);
  const action = said.findLast(({ event }) => event.action !== undefined)?.event.action;
  if (action === 'end') {
    const ended = await resolve(tx, target, null);
    if (ended.message) messages.push(ended.message);
    return { conversation: { ...conversation, status: 'resolved' }, isNew, messages, changed, action, turn: undefined };
  }
  const turn = said.length > 0 && conversation.status === 'bot' ? await beginTurn(tx, round, conversation) : undefined;
  return { conversation, isNew, messages, changed, action, turn };
}

async function storeMessages(
  tx: Tx,
  target: { workspaceId: string; conversationId: string },
  lease: Lease,
  events: MessageEvent[],
): Promise<Message[]> {
  const attachments = new Map<string, Message['attachments']>();
  for (const { id, event } of events) {
    if (event.attachmentIds?.length)
      attachments.set(id, await resolveVisitorAttachments(tx, target.conversationId, event.attachmentIds));
  }
  const made = await append(
    tx,
    target,
    events.map(({ id, event }) => ({
      id,
      author: { type: 'contact', id: null, name: event.sender.name ?? event.sender.username ?? null },
      text: event.text,
      type: event.type,
      payload: event.location ? { location: event.location } : {},
      attachments: attachments.get(id) ?? [],
      clientId: event.clientId,
      platformId: event.messageId,
    })),
    {
      guard: { lease: { threadId: lease.threadId, token: lease.token } },
      facts: (_message, id) => {
        const media = events.find((event) => event.id === id)?.event.media ?? [];
        return [
          {
            workspaceId: target.workspaceId,
            type: media.length > 0 ? 'message.received_with_media' : 'message.received',
            subjectId: id,
            payload: { conversationId: target.conversationId, ...(media.length > 0 ? { media } : {}) },
          },
        ];
      },
    },
  );
  if (made.outcome === 'refused') throw new LeaseLost();
  return made.outcome === 'stored' ? made.messages : [];
}

async function applyEvent(
  tx: Tx,
  inbox: InboxRuntime,
  conversationId: string,
  event: Exclude<Inbound, { kind: 'message' }>,
): Promise<Message | undefined> {
  switch (event.kind) {
    case 'edit':
      return edit(tx, conversationId, event.messageId, event.text);
    case 'delete':
      return remove(tx, conversationId, event.messageId);
    case 'reachability':
      await setReachable(tx, inbox.id, event.sender.externalId, event.reachable);
      return undefined;
    case 'status': {
      const { rows } = await tx.execute<{ message_id: string }>(
        sql`select message_id from deliveries where inbox_id = ${inbox.id}::uuid and platform_ids @> array[${event.messageId}]`,
      );
      const status: MessageStatus = event.status;
      return rows[0] && advance(tx, rows[0].message_id, status, { error: event.detail ?? null });
    }
  }
}

/**
 * One turn for these events, however often it is tried: the thread and the last event name it. Undefined when it was
 * finished already.
 */
async function beginTurn(
  tx: Tx,
  round: Round,
  conversation: { id: string; botId: string | null },
): Promise<{ id: string; attempts: number } | undefined> {
  const { rows } = await tx.execute<{ id: string; attempts: number }>(sql`
    insert into turns (id, workspace_id, conversation_id, thread_id, bot_id, last_event_seq, lease_token, status, request_id)
    select ${newId()}::uuid, ${round.key.workspaceId}::uuid, ${conversation.id}::uuid, ${round.lease.threadId}::uuid,
      ${conversation.botId}::uuid, ${round.events.at(-1)?.seq ?? 0}, t.lease_token, 'running', ${currentRequestId() ?? null}::text
    from threads t where t.id = ${round.lease.threadId}::uuid and t.lease_token = ${round.lease.token}
    on conflict (thread_id, last_event_seq) do update set attempts = turns.attempts + 1, lease_token = excluded.lease_token
      where turns.status = 'running'
    returning id, attempts`);
  return rows[0];
}
