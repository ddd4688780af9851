import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { ConversationStatus, Message } from '@parley/contract';
import type { Inbound, Sender } from '../channels/contract.ts';
import type { MessagePayload } from '../db/schema/index.ts';
import type { TurnInput } from '../engine/types.ts';
import { findOrCreateConversation, resolve, takeOverOutside, wakeUp } from '../features/conversations/commands.ts';
import type { Changed } from '../features/conversations/commands.ts';
import { findConversation } from '../features/conversations/queries.ts';
import { moveIdentity, noteIdentities, setReachable } from '../features/contacts/commands.ts';
import { resolveVisitorAttachments } from '../features/files/commands.ts';
import { changesOfMove } from '../features/handoffs/changes.ts';
import type { InboxRuntime } from '../features/inboxes/directory.ts';
import { append, appendWith, edit, findByPlatformId, react, remove } from '../features/messages/commands.ts';
import type { NewMessage } from '../features/messages/commands.ts';
import { messageFacts } from '../features/messages/facts.ts';
import { presentMessage } from '../features/messages/present.ts';
import type { MessageRow } from '../features/messages/present.ts';
import { since } from '../features/messages/queries.ts';
import { newId } from '../platform/data/ids.ts';
import { STATEMENT_MS } from '../platform/data/statement-limits.ts';
import type { Store, Tx } from '../platform/data/tenant.ts';
import type { Fact } from '../platform/facts/define.ts';
import type { Change } from '../platform/publish/change.ts';
import { carried } from '../platform/telemetry/tracing.ts';
import { applyReceipt, applyWatermark } from './deliveries.ts';
import { LeaseLost } from './lease.ts';
import type { Lease } from './lease.ts';
import type { Round } from './mailbox.ts';
import type { OpenConversation, PendingEvent } from './threads.ts';

// Foreign tables: contacts, messages. The hot path reads and writes in one statement.

/** What a turn has to know besides the bot. */
export type TurnContext = { contact: TurnInput['contact']; history: Message[] };

export const HISTORY = 10;

/** The contact, and the messages before these, as two columns. */
export const contextColumns = (conversation: OpenConversation) => sql`
  (select to_json(p) from (select id, name, language from contacts where id = ${conversation.contactId}::uuid) p) as contact,
  (select json_agg(m order by m.seq) from (
    select * from messages where conversation_id = ${conversation.id}::uuid and ${since(conversation.id)} and not private
    order by seq desc limit ${HISTORY}) m) as history`;

type Columns = {
  turn: { id: string; attempts: number } | null;
  contact: TurnInput['contact'] | null;
  history: MessageRow[] | null;
};

export type StoredRound = {
  /** undefined: what came is of the past (an edit, a receipt), and nothing is open */
  conversation: OpenConversation | undefined;
  isNew: boolean;
  messages: Message[];
  /** messages that were there already */
  updated: Message[];
  action: 'request_agent' | 'start' | 'end' | undefined;
  /** of the conversation's state, by what came */
  changes: Change[];
  /** begun when the bot has to do something about it */
  turn: { id: string; attempts: number } | undefined;
  /** what the turn has to know, where it was read with the same statement */
  context?: TurnContext;
};

type MessageEvent = PendingEvent & { event: Extract<Inbound, { kind: 'message' }> };
export const isMessage = (event: PendingEvent): event is MessageEvent => event.event.kind === 'message';
const isWorthStoring = ({ event }: MessageEvent): boolean =>
  event.text !== '' ||
  event.media.length > 0 ||
  !!event.attachmentIds?.length ||
  !!event.location ||
  !!event.unsupported;
/** Ids of a person that are known already were left out when the event was received (threads.ts). */
const hasNewIds = ({ otherIds, spellings }: Sender): boolean => !!otherIds?.length || !!spellings?.length;
/** What cannot be read is not answered. */
const asksForAnswer = ({ event }: MessageEvent): boolean => !event.unsupported;

/**
 * The first half of a round: the customer's messages become rows (the event's id is the message's id, so a second try
 * stores nothing twice), edits and receipts are applied in their order, and the turn is begun. In one statement where it
 * can be, else in one transaction.
 */
export async function storeEvents(store: Store, inbox: InboxRuntime, round: Round): Promise<StoredRound> {
  return (
    (await storeInOneStatement(store, round)) ??
    (await store.inWorkspace(round.key.workspaceId, (tx) => storeInOrder(tx, inbox, round), STATEMENT_MS.path))
  );
}

/**
 * The usual case: text in an open conversation. Stores it, begins the turn and reads what it has to know. Undefined when
 * the case is not the usual one, or the statement was refused: then nothing is written, and the transaction finds out why.
 */
async function storeInOneStatement(store: Store, round: Round): Promise<StoredRound | undefined> {
  const { conversation, interrupted, lease, key } = round;
  const events = round.events.filter(isMessage);
  const isUsual =
    conversation !== undefined &&
    conversation.status !== 'snoozed' &&
    !interrupted &&
    events.length === round.events.length &&
    events.every(
      (message) =>
        isWorthStoring(message) &&
        !message.event.attachmentIds?.length &&
        !message.event.unsupported &&
        message.event.replyToMessageId === undefined &&
        !hasNewIds(message.event.sender) &&
        message.event.action !== 'end',
    );
  if (!isUsual) return undefined;
  const target = { workspaceId: key.workspaceId, conversationId: conversation.id };
  const { appended, columns } = await appendWith<Columns>(
    store,
    target,
    events.map((event) => toNewMessage(event)),
    {
      guard: { open: true, lease },
      changes: lastInbound(events),
      facts: receivedFacts(target, events),
      also: {
        steps: sql`, begun as (
          insert into turns (id, workspace_id, conversation_id, thread_id, bot_id, last_event_seq, lease_token, status, request_id)
          select ${newId()}::uuid, ${key.workspaceId}::uuid, m.id, m.thread_id, ${conversation.botId}::uuid,
            ${events.at(-1)?.seq ?? 0}::bigint, ${lease.token}::bigint, 'running', ${carried() ?? null}::text
          from moved m where m.status = 'bot' returning id, attempts)`,
        columns: sql`(select to_json(begun) from begun) as turn, ${contextColumns(conversation)}`,
      },
    },
  );
  if (appended.outcome !== 'stored' || !columns) return undefined;
  return {
    conversation: { ...conversation, status: appended.status },
    isNew: false,
    messages: appended.messages,
    updated: [],
    action: events.findLast(({ event }) => event.action !== undefined)?.event.action,
    changes: [],
    turn: columns.turn ?? undefined,
    context: {
      contact: columns.contact ?? { id: conversation.contactId, name: '', language: null },
      history: (columns.history ?? []).map(presentMessage),
    },
  };
}

async function storeInOrder(tx: Tx, inbox: InboxRuntime, round: Round): Promise<StoredRound> {
  const { workspaceId } = round.key;
  const received = round.events.filter(isMessage);
  const first = round.events.find(({ event }) => event.kind === 'message' || event.kind === 'echo');
  const messages: Message[] = [];
  const updated: Message[] = [];
  const changes: Change[] = [];
  /** Its message is published in its order among those that came. */
  const noteMove = async (conversationId: string, message: Message | undefined): Promise<void> => {
    if (message) messages.push(message);
    const moved = await findConversation(tx, conversationId);
    changes.push(...changesOfMove(workspaceId, { conversation: moved, messages: [] }));
  };
  let isNew = false;
  let conversation: OpenConversation | undefined = round.conversation;
  if (!conversation && first) {
    ({ conversation, created: isNew } = await findOrCreate(tx, inbox, round, first.event.sender));
  } else if (conversation) {
    for (const { event } of round.events) {
      if (hasNewIds(event.sender))
        await noteIdentities(tx, workspaceId, inbox.id, conversation.contactId, event.sender);
    }
  }

  if (conversation?.status === 'snoozed' && received.length > 0) {
    const woken = await wakeUp(tx, { workspaceId, conversationId: conversation.id });
    if (woken) {
      conversation = { ...conversation, status: woken.status };
      await noteMove(conversation.id, woken.message);
    }
  }

  let batch: MessageEvent[] = [];
  const flush = async (): Promise<void> => {
    const worth = batch.filter(isWorthStoring);
    batch = [];
    if (worth.length === 0 || !conversation) return;
    let stored = await storeMessages(tx, { workspaceId, conversationId: conversation.id }, round.lease, worth);
    if (!stored) {
      // Refused: the lease is lost, or somebody resolved the conversation a moment ago. Then this begins another one.
      const other = await findOrCreate(tx, inbox, round, worth[0]?.event.sender ?? { externalId: '' });
      if (other.conversation.id === conversation.id) throw new LeaseLost();
      ({ conversation, created: isNew } = other);
      stored = await storeMessages(tx, { workspaceId, conversationId: conversation.id }, round.lease, worth);
      if (!stored) throw new LeaseLost();
    }
    if (stored.status) conversation = { ...conversation, status: stored.status };
    messages.push(...stored.messages);
  };
  for (const event of round.events) {
    if (isMessage(event)) {
      batch.push(event);
      continue;
    }
    await flush();
    if (event.event.kind === 'message') continue;
    if (event.event.kind !== 'echo') {
      updated.push(...(await applyEvent(tx, inbox, round.lease.threadId, event.event)));
      continue;
    }
    if (!conversation) continue;
    const echoed = await storeEcho(tx, { workspaceId, conversationId: conversation.id }, round.lease, {
      ...event,
      event: event.event,
    });
    if (echoed.takeover) {
      conversation = { ...conversation, status: 'agent' };
      await noteMove(conversation.id, echoed.takeover.message);
    }
    messages.push(...echoed.messages);
  }
  await flush();
  if (!conversation) return { conversation, isNew, messages, updated, action: undefined, changes, turn: undefined };

  const action = received.findLast(({ event }) => event.action !== undefined)?.event.action;
  if (action === 'end') {
    const ended = await resolve(tx, { workspaceId, conversationId: conversation.id }, null);
    await noteMove(conversation.id, ended.message);
    return {
      conversation: { ...conversation, status: 'resolved' },
      ...{ isNew, messages, updated, action, changes, turn: undefined },
    };
  }
  const turn =
    received.some(asksForAnswer) && conversation.status === 'bot'
      ? await beginTurn(tx, round, conversation)
      : undefined;
  return { conversation, isNew, messages, updated, action, changes, turn };
}

async function findOrCreate(
  tx: Tx,
  inbox: InboxRuntime,
  round: Round,
  sender: Sender,
): Promise<{ conversation: OpenConversation; created: boolean }> {
  const { workspaceId, threadKey } = round.key;
  const of = { workspaceId, inboxId: inbox.id, botId: inbox.botId };
  const { conversation, created } = await findOrCreateConversation(tx, of, threadKey, sender);
  const { id, status, contactId } = conversation;
  return { conversation: { id, status, contactId, botId: inbox.botId }, created };
}

/** The event's id is the message's id: a second try stores nothing twice. */
const toNewMessage = ({ id, event }: MessageEvent, attachments: Message['attachments'] = []): NewMessage => ({
  id,
  author: { type: 'contact', id: null, name: event.sender.name ?? event.sender.username ?? null },
  text: event.text,
  type: event.type,
  payload: payloadOf(event),
  attachments,
  clientId: event.clientId,
  platformId: event.messageId,
});

type Written = Extract<Inbound, { kind: 'message' | 'echo' }>;
const payloadOf = ({ location, details, unsupported }: Written): MessagePayload => ({
  ...(location ? { location } : {}),
  ...(details ? { details } : {}),
  ...(unsupported ? { unsupported } : {}),
});

/** Which message of ours or theirs is answered, by our own id. */
async function withReply(tx: Tx, threadId: string, event: Written, message: NewMessage): Promise<NewMessage> {
  if (event.replyToMessageId === undefined) return message;
  const replyToId = await findByPlatformId(tx, threadId, event.replyToMessageId);
  return replyToId ? { ...message, payload: { ...message.payload, replyToId } } : message;
}

/** When the customer last wrote, for windows and replies; as columns of the conversation. */
const lastInbound = (events: MessageEvent[]): SQL => {
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
async function storeMessages(
  tx: Tx,
  target: { workspaceId: string; conversationId: string },
  lease: Lease,
  events: MessageEvent[],
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
      events.map((event) => withReply(tx, lease.threadId, event.event, toNewMessage(event, attachments.get(event.id)))),
    ),
    { guard: { open: true, lease }, changes: lastInbound(events), facts: receivedFacts(target, events) },
  );
  if (made.outcome === 'refused') return undefined;
  return made.outcome === 'stored' ? { messages: made.messages, status: made.status } : { messages: [] };
}

/** What a colleague wrote in the platform's own app; what we sent ourselves and get back is left alone. */
async function storeEcho(
  tx: Tx,
  target: { workspaceId: string; conversationId: string },
  lease: Lease,
  { id, event }: PendingEvent & { event: Extract<Inbound, { kind: 'echo' }> },
): Promise<{ messages: Message[]; takeover?: Changed | undefined }> {
  if (await findByPlatformId(tx, lease.threadId, event.messageId)) return { messages: [] };
  const takeover = await takeOverOutside(tx, target);
  const { workspaceId, conversationId } = target;
  const message: NewMessage = {
    id,
    author: { type: 'agent', id: null, name: null },
    text: event.text,
    type: event.type,
    payload: payloadOf(event),
    platformId: event.messageId,
  };
  const made = await append(tx, target, [await withReply(tx, lease.threadId, event, message)], {
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

async function applyEvent(
  tx: Tx,
  inbox: InboxRuntime,
  threadId: string,
  event: Exclude<Inbound, { kind: 'message' | 'echo' }>,
): Promise<Message[]> {
  const some = (message: Message | undefined): Message[] => (message ? [message] : []);
  switch (event.kind) {
    case 'edit':
      return some(await edit(tx, threadId, { messageId: event.messageId, text: event.text, at: event.at }));
    case 'delete':
      return some(await remove(tx, threadId, event.messageId));
    case 'reaction': {
      const messageId = await findByPlatformId(tx, threadId, event.messageId);
      return messageId ? some(await react(tx, messageId, 'contact', event.emoji)) : [];
    }
    case 'reachability':
      await setReachable(tx, inbox.id, event.sender.externalId, event.reachable);
      return [];
    case 'identity':
      await moveIdentity(tx, inbox.id, event.previousId, event.sender.externalId);
      return [];
    case 'status':
      return applyReceipt(tx, threadId, event);
    case 'watermark':
      return applyWatermark(tx, threadId, event);
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
      ${conversation.botId}::uuid, ${round.events.at(-1)?.seq ?? 0}, t.lease_token, 'running', ${carried() ?? null}::text
    from threads t where t.id = ${round.lease.threadId}::uuid and t.lease_token = ${round.lease.token}
    on conflict (thread_id, last_event_seq) do update set attempts = turns.attempts + 1, lease_token = excluded.lease_token
      where turns.status = 'running'
    returning id, attempts`);
  return rows[0];
}
