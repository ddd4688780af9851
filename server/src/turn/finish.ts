import { sql } from 'drizzle-orm';
import { waitInMinutes } from '@parley/contract';
import type { Handoff, Message } from '@parley/contract';
import { isLive } from '../channels/registry.ts';
import type { TurnStatus } from '../db/schema/index.ts';
import { textsIn } from '../engine/texts/texts.ts';
import type { Say } from '../engine/texts/texts.ts';
import type { Outcome } from '../engine/types.ts';
import { conversationTouched } from '../features/conversations/changes.ts';
import { findOrCreateConversation } from '../features/conversations/commands.ts';
import { findConversation } from '../features/conversations/queries.ts';
import { changesOfMove } from '../features/handoffs/changes.ts';
import { requestHandoff } from '../features/handoffs/commands.ts';
import { placeInQueue } from '../features/handoffs/queries.ts';
import type { InboxDirectory } from '../features/inboxes/directory.ts';
import { deliveryDue, messageStored } from '../features/messages/changes.ts';
import { append, systemMessage } from '../features/messages/commands.ts';
import { newId } from '../platform/data/ids.ts';
import { storedJson } from '../platform/data/stored-json.ts';
import type { Store, Tx } from '../platform/data/tenant.ts';
import type { Publish } from '../platform/publish/publish.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import { heldBy } from './lease.ts';
import type { Lease } from './lease.ts';
import type { Round } from './mailbox.ts';
import { pendingEvents } from './threads.ts';

// Foreign tables: bots, contacts, conversations, traces. The hot path reads and writes in one statement.
// Real time (3): when the machinery was done.

export type Finish = {
  status: Exclude<TurnStatus, 'running'>;
  handler: string;
  trace?: Outcome['trace'];
  /** of the conversation from here on; undefined: nothing new is known */
  language?: string;
  misses?: number | undefined;
};

/**
 * Ends a round in one statement: the turn, its events and its record, all under the lease's token; and gives the thread
 * back when that same statement proves that nothing else waits and no wake came since.
 * @returns undefined when the lease is somebody else's: nothing was written
 */
export async function finishTurn(
  store: Store,
  round: Round,
  turnId: string | undefined,
  ending: Finish,
  about: { conversationId?: string; botId?: string },
): Promise<{ released: boolean } | undefined> {
  const ids = sql.param(round.events.map((event) => event.id));
  const turn = turnId
    ? sql`, turn as (
        update turns set status = ${ending.status}, handler = ${ending.handler}, finished_at = now()
        where id = ${turnId}::uuid and exists (select 1 from held))`
    : sql``;
  const trace =
    turnId && ending.trace && about.conversationId
      ? sql`, trace as (
          insert into traces (id, workspace_id, bot_id, conversation_id, turn_id, question, record, created_at)
          select ${newId()}::uuid, ${round.key.workspaceId}::uuid, ${about.botId ?? null}::uuid, ${about.conversationId}::uuid,
            ${turnId}::uuid, ${ending.trace.question}, ${storedJson(ending.trace.record)}::jsonb, ${store.clock.now()}::timestamptz from held)`
      : sql``;
  // Most turns tell nothing new of their conversation: then its row is left alone.
  const { language, misses } = ending;
  const learned =
    about.conversationId && (language !== undefined || misses !== undefined)
      ? sql`, learned as (
        update conversations set language = coalesce(${language ?? null}::text, language), misses = coalesce(${misses ?? null}::smallint, misses)
        where id = ${about.conversationId}::uuid and exists (select 1 from held)
          and (language is distinct from coalesce(${language ?? null}::text, language) or misses <> coalesce(${misses ?? null}::smallint, misses)))`
      : sql``;
  const { key, lease } = round;
  const idle = sql`(wakes = ${round.wakes} and not exists (select 1 from inbound_events e where ${pendingEvents(key)}
    and e.id <> all(${ids}::uuid[])))`;
  const [row] = await store.once<{ released: boolean | null }>(
    key.workspaceId,
    sql`
    with held as (
      update threads set lease_until = case when ${idle} then null else lease_until end,
        lease_holder = case when ${idle} then null else lease_holder end
      where ${heldBy(lease.threadId, lease.token)}
      returning lease_until is null as released
    ), events as (
      update inbound_events set processed_at = now()
      where id = any(${ids}::uuid[]) and exists (select 1 from held)
    )${turn}${trace}${learned}
    select (select released from held) as released`,
  );
  const released = row?.released ?? null;
  return released === null ? undefined : { released };
}

/**
 * Bot → queue: the conversation waits, and the customer gets a closing text with their position, in every channel and in one
 * transaction. Undefined when the guard failed: a human has it already, or the lease is lost.
 */
export async function requestHandoffWithClosing(
  tx: Tx,
  target: { workspaceId: string; conversationId: string },
  outcome: Outcome,
  how: { lease: Lease; turnId?: string; ordinal?: number; texts: Say; deliver: boolean; before?: string },
): Promise<{ handoffId: string; messages: Message[] } | undefined> {
  if (!outcome.handoff) return undefined;
  const requested = await requestHandoff(tx, target, outcome.handoff, { lease: how.lease }, how.texts('handedOver'));
  if (!requested) return undefined;
  const messages = [requested.message];
  if (outcome.closing !== null) {
    // Our own widget shows the position by itself, and keeps it up to date.
    const queued = how.deliver ? await placeInQueue(tx, target.conversationId) : undefined;
    const text = [
      how.before,
      outcome.closing ?? how.texts('handoff'),
      queued && placeText(how.texts, queued),
      queued ? how.texts('closeThis') : undefined,
    ];
    const { rows } = await tx.execute<{ id: string | null; name: string | null }>(sql`
      select b.id, b.name from conversations c left join bots b on b.id = c.bot_id where c.id = ${target.conversationId}::uuid`);
    const closing = await append(tx, target, [
      {
        author: { type: 'bot', id: rows[0]?.id ?? null, name: rows[0]?.name ?? null },
        text: text.filter((part) => part !== undefined).join(' '),
        turnId: how.turnId,
        ordinal: how.ordinal,
        deliver: how.deliver,
      },
    ]);
    if (closing.outcome === 'stored') messages.push(...closing.messages);
  }
  return { handoffId: requested.handoffId, messages };
}

/** What is said in a conversation outside of a turn: in its language, and in its bot's words. */
async function textsOf(tx: Tx, conversationId: string): Promise<Say> {
  const { rows } = await tx.execute<{ language: string | null; texts: Record<string, string> | null }>(sql`
    select coalesce(c.language, p.language, b.languages[1]) as language, b.texts
    from conversations c join contacts p on p.id = c.contact_id left join bots b on b.id = c.bot_id
    where c.id = ${conversationId}::uuid`);
  return textsIn(rows[0]?.language, rows[0]?.texts ?? {});
}

/** A wait that is not known is not said, the place is. */
function placeText(texts: Say, { position, expectedWait }: Pick<Handoff, 'position' | 'expectedWait'>): string {
  if (!expectedWait) return texts('placeWithoutWait', { position });
  const wait = waitInMinutes(expectedWait);
  if (wait === 'soon') return texts('place', { position, minutes: 1 });
  if (wait === 'long') return texts('place', { position, minutes: '60+' });
  return texts('place', { position, minutes: wait.from === wait.to ? wait.to : `${wait.from}–${wait.to}` });
}

const unprocessed: Outcome = {
  handler: 'dead-letter',
  handoff: {
    reason: 'MODEL_FAILED',
    detail: 'A message of the customer could not be processed. The log names the error.',
  },
};

/**
 * The last resort of the mailbox: a person gets what could not be dealt with, and the customer a closing text. Where a
 * person has the conversation already, a note says that a message is missing.
 */
export function createDeadLetter(deps: { store: Store; publish: Publish; log: Logger; inboxes: InboxDirectory }) {
  const { store, publish, log } = deps;

  return async function deadLetter(round: Pick<Round, 'key' | 'lease' | 'events' | 'conversation'>): Promise<void> {
    const { key, lease } = round;
    const { workspaceId } = key;
    const inbox = await deps.inboxes.byId(workspaceId, key.inboxId);
    const sender = round.events[0]?.event.sender;
    if (!inbox) return;
    const { channel } = inbox;
    const deliver = !isLive(channel);
    const { conversationId, messages, conversation } = await store.inWorkspace(workspaceId, async (tx) => {
      const id =
        round.conversation?.id ??
        (
          await findOrCreateConversation(
            tx,
            { workspaceId, inboxId: inbox.id, botId: inbox.botId },
            key.threadKey,
            sender?.externalId ? sender : { externalId: key.threadKey },
          )
        ).conversation.id;
      const target = { workspaceId, conversationId: id };
      const texts = await textsOf(tx, id);
      const before = texts('modelFailed');
      const handed = await requestHandoffWithClosing(tx, target, unprocessed, {
        lease,
        texts,
        deliver,
        before,
      });
      // The turn that was begun for it does not go on.
      await tx.execute(sql`
        update turns set status = 'failed', handler = 'dead-letter', finished_at = now()
        where thread_id = ${lease.threadId}::uuid and status = 'running'
          and exists (select 1 from threads where id = ${lease.threadId}::uuid and lease_token = ${lease.token})`);
      if (handed)
        return { conversationId: id, messages: handed.messages, conversation: await findConversation(tx, id) };
      const noted = await append(
        tx,
        target,
        [
          {
            ...systemMessage(
              'message.unreadable',
              'A message of the customer could not be read. The log names the error.',
            ),
            private: true,
          },
        ],
        { guard: { lease } },
      );
      return {
        conversationId: id,
        messages: noted.outcome === 'stored' ? noted.messages : [],
        conversation: undefined,
      };
    });
    publish([
      ...(conversation
        ? changesOfMove(workspaceId, { conversation, messages, request: { reason: 'MODEL_FAILED' } })
        : messages.map((message) => messageStored(workspaceId, { message, channel }))),
      ...(deliver ? [deliveryDue(workspaceId, { threadId: lease.threadId })] : []),
      conversationTouched(workspaceId, { conversationId }),
    ]);
    log.error({ conversationId }, 'a turn was dead-lettered and handed to a person');
  };
}
