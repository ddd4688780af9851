import { sql } from 'drizzle-orm';
import type { Message } from '@parley/contract';
import type { Sender } from '../channels/contract.ts';
import { isLive } from '../channels/registry.ts';
import type { TurnInput } from '../engine/types.ts';
import { findOrCreateConversation, reopenByCustomer, resolve, wakeUp } from '../features/conversations/commands.ts';
import type { Changed } from '../features/conversations/commands.ts';
import { findConversation } from '../features/conversations/queries.ts';
import { noteIdentities, noteProfile, tellsNews } from '../features/contacts/commands.ts';
import { changesOfMove } from '../features/handoffs/changes.ts';
import type { InboxRuntime } from '../features/inboxes/directory.ts';
import { appendWith } from '../features/messages/commands.ts';
import { presentMessage } from '../features/messages/present.ts';
import type { MessageRow } from '../features/messages/present.ts';
import { newId } from '../platform/data/ids.ts';
import { STATEMENT_MS } from '../platform/data/statement-limits.ts';
import type { Store, Tx } from '../platform/data/tenant.ts';
import type { Change } from '../platform/publish/change.ts';
import { carried } from '../platform/telemetry/tracing.ts';
import { addToAlbum, joinAlbums, noteAlbum } from './album.ts';
import type { Joined } from './album.ts';
import { applyEarly, applyEvent, asksAgain } from './apply.ts';
import type { Applied } from './apply.ts';
import { contextColumns, nothingSaid } from './context.ts';
import type { TurnContext } from './context.ts';
import { hasEarly } from './early.ts';
import { LeaseLost } from './lease.ts';
import type { Round } from './mailbox.ts';
import { idsOf, lastInbound, receivedFacts, storeEcho, storeMessages, toNewMessage } from './store.ts';
import type { MessageEvent } from './store.ts';
import type { OpenConversation, PendingEvent } from './threads.ts';

// Foreign tables: handoffs. Whether a turn goes on is decided by one statement.

type Columns = {
  turn: { id: string; attempts: number } | null;
  early: boolean;
  news: boolean;
  contact: TurnInput['contact'] | null;
  own: TurnContext['own'] | null;
  history: MessageRow[] | null;
};

export type StoredRound = {
  /** undefined: what came is of the past (an edit, a receipt), and nothing is open */
  conversation: OpenConversation | undefined;
  isNew: boolean;
  messages: Message[];
  /** messages that were there already */
  updated: Message[];
  action: TurnInput['action'];
  /** of the conversation's state, by what came */
  changes: Change[];
  /** begun when the bot has to do something about it */
  turn: { id: string; attempts: number } | undefined;
  /** an edited message that is answered again */
  again?: Message[];
  /** what the turn has to know, where it was read with the same statement */
  context?: TurnContext;
};

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
    (await storeInOneStatement(store, inbox, round)) ??
    (await store.inWorkspace(round.key.workspaceId, (tx) => storeInOrder(tx, inbox, round), STATEMENT_MS.path))
  );
}

/**
 * The usual case: text in an open conversation. Stores it, begins the turn and reads what it has to know. Undefined when
 * the case is not the usual one, or the statement was refused: then nothing is written, and the transaction finds out why.
 */
async function storeInOneStatement(store: Store, inbox: InboxRuntime, round: Round): Promise<StoredRound | undefined> {
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
        message.event.groupId === undefined &&
        message.event.replyToMessageId === undefined &&
        !hasNewIds(message.event.sender) &&
        message.event.action !== 'end',
    );
  if (!isUsual) return undefined;
  const target = { workspaceId: key.workspaceId, conversationId: conversation.id };
  const platformIds = idsOf(events);
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
          from moved m where m.status in ('bot', 'waiting') returning id, attempts)`,
        columns: sql`(select to_json(begun) from begun) as turn,
          ${isLive(inbox.channel) ? sql`false` : hasEarly(inbox.id, platformIds)} as early,
          ${isLive(inbox.channel) ? sql`false` : tellsNews(inbox.id, peopleOf(events))} as news, ${contextColumns(conversation)}`,
      },
    },
  );
  if (appended.outcome !== 'stored' || !columns) return undefined;
  const stored: StoredRound = {
    conversation: { ...conversation, status: appended.status },
    isNew: false,
    messages: appended.messages,
    updated: [],
    action: events.findLast(({ event }) => event.action !== undefined)?.event.action,
    changes: [],
    turn: columns.turn ?? undefined,
  };
  if (columns.news) await store.inWorkspace(key.workspaceId, (tx) => notePeople(tx, inbox, events), STATEMENT_MS.path);
  if (columns.early) {
    const apply = (tx: Tx) => applyEarly(tx, inbox, lease.threadId, platformIds);
    return { ...stored, updated: (await store.inWorkspace(key.workspaceId, apply, STATEMENT_MS.path)).updated };
  }
  return {
    ...stored,
    context: {
      contact: columns.contact ?? { id: conversation.contactId, name: '', language: null },
      own: columns.own ?? nothingSaid,
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
  const reworded: Message[] = [];
  const note = (applied: Applied): void => {
    updated.push(...applied.updated);
    reworded.push(...applied.reworded);
  };
  const changes: Change[] = [];
  /** Its message is published in its order among those that came. */
  const noteMove = async (conversationId: string, message: Message | undefined): Promise<void> => {
    if (message) messages.push(message);
    const moved = await findConversation(tx, conversationId);
    changes.push(...changesOfMove(workspaceId, { conversation: moved, messages: [] }));
  };
  let isNew = false;
  let conversation: OpenConversation | undefined = round.conversation;
  /** Undefined when it is the one it was refused in, and that was not reopened just now. */
  const enter = async (sender: Sender, refused?: string): Promise<OpenConversation | undefined> => {
    const found = await findOrCreate(tx, inbox, round, sender);
    if (found.conversation.id === refused && !found.reopened) return undefined;
    isNew = found.created;
    if (found.reopened) {
      await noteMove(found.conversation.id, found.reopened.message);
      if (hasNewIds(sender)) await noteIdentities(tx, workspaceId, inbox.id, found.conversation.contactId, sender);
    }
    return found.conversation;
  };
  if (!conversation && first) {
    conversation = await enter(first.event.sender);
  } else if (conversation) {
    for (const { event } of round.events) {
      if (hasNewIds(event.sender))
        await noteIdentities(tx, workspaceId, inbox.id, conversation.contactId, event.sender);
    }
  }

  await notePeople(tx, inbox, received);

  if (conversation?.status === 'snoozed' && received.length > 0) {
    const woken = await wakeUp(tx, { workspaceId, conversationId: conversation.id });
    if (woken) {
      conversation = { ...conversation, status: woken.status };
      await noteMove(conversation.id, woken.message);
    }
  }

  /** parts of an album that is stored already */
  const absorbed = new Set<string>();
  let batch: MessageEvent[] = [];
  const flush = async (): Promise<void> => {
    const all = joinAlbums(batch.filter(isWorthStoring));
    batch = [];
    if (!conversation) return;
    const worth: Joined[] = [];
    for (const event of all) {
      const added = await addToAlbum(tx, inbox, event);
      if (!added) worth.push(event);
      else absorbed.add(event.id);
      if (added?.message) note({ updated: [added.message], reworded: added.changed ? [added.message] : [] });
    }
    if (worth.length === 0) return;
    let stored = await storeMessages(
      tx,
      inbox.id,
      { workspaceId, conversationId: conversation.id },
      round.lease,
      worth,
    );
    if (!stored) {
      // Refused: the lease is lost, or somebody resolved the conversation a moment ago. Then this reopens it, or begins another.
      conversation = await enter(worth[0]?.event.sender ?? { externalId: '' }, conversation.id);
      if (!conversation) throw new LeaseLost();
      stored = await storeMessages(tx, inbox.id, { workspaceId, conversationId: conversation.id }, round.lease, worth);
      if (!stored) throw new LeaseLost();
    }
    if (stored.status) conversation = { ...conversation, status: stored.status };
    messages.push(...stored.messages);
    for (const event of worth) await noteAlbum(tx, inbox, event.id, event);
    note(await applyEarly(tx, inbox, round.lease.threadId, idsOf(worth)));
  };
  for (const event of round.events) {
    if (isMessage(event)) {
      batch.push(event);
      continue;
    }
    await flush();
    if (event.event.kind === 'message') continue;
    if (event.event.kind !== 'echo') {
      note(await applyEvent(tx, inbox, round.lease.threadId, { ...event, event: event.event }));
      continue;
    }
    if (!conversation) continue;
    const echoed = await storeEcho(tx, inbox.id, { workspaceId, conversationId: conversation.id }, round.lease, {
      ...event,
      event: event.event,
    });
    if (echoed.takeover) {
      conversation = { ...conversation, status: 'agent' };
      await noteMove(conversation.id, echoed.takeover.message);
    }
    messages.push(...echoed.messages);
    note(await applyEarly(tx, inbox, round.lease.threadId, [event.event.messageId]));
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
  const isBots = conversation.status === 'bot';
  const answers = isBots || conversation.status === 'waiting';
  const again = isBots && reworded.length > 0 ? await asksAgain(tx, conversation.id, reworded) : [];
  const turn =
    (answers && received.some((event) => asksForAnswer(event) && !absorbed.has(event.id))) || again.length > 0
      ? await beginTurn(tx, round, conversation)
      : undefined;
  return { conversation, isNew, messages, updated, action, changes, turn, again };
}

/** Of each the latest word. */
const peopleOf = (events: MessageEvent[]): Sender[] => [
  ...new Map(events.map(({ event: { sender } }) => [sender.externalId, sender])).values(),
];
/** What our own widget says of a visitor is a claim, and kept elsewhere. */
async function notePeople(tx: Tx, inbox: InboxRuntime, events: MessageEvent[]): Promise<void> {
  if (isLive(inbox.channel)) return;
  for (const person of peopleOf(events)) await noteProfile(tx, inbox.id, person);
}

async function findOrCreate(
  tx: Tx,
  inbox: InboxRuntime,
  round: Round,
  sender: Sender,
): Promise<{ conversation: OpenConversation; created: boolean; reopened: Changed | undefined }> {
  const { workspaceId, threadKey } = round.key;
  const of = { workspaceId, inboxId: inbox.id, botId: inbox.botId, reopenDays: inbox.settings.reopenDays };
  // Words go on with a conversation; a command to begin begins one.
  const goesOn = round.events.some(
    (event) => isMessage(event) && isWorthStoring(event) && event.event.action !== 'start',
  );
  const reopened = goesOn ? await reopenByCustomer(tx, of, threadKey) : undefined;
  const { conversation, created } = reopened
    ? { conversation: reopened.conversation, created: false }
    : await findOrCreateConversation(tx, of, threadKey, sender);
  const { id, status, contactId } = conversation;
  return { conversation: { id, status, contactId, botId: inbox.botId }, created, reopened };
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
      -- What has put the conversation into the queue is done; what came while it waited goes on.
      where turns.status = 'running' and not exists (select 1 from handoffs h
        where h.conversation_id = turns.conversation_id and h.status = 'waiting' and h.id > turns.id)
    returning id, attempts`);
  return rows[0];
}
