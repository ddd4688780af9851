import { sql } from 'drizzle-orm';
import { cleanText } from '@parley/contract';
import type { ConversationStatus } from '@parley/contract';
import type { Inbound } from '../channels/contract.ts';
import { newId } from '../platform/data/ids.ts';
import type { Store } from '../platform/data/tenant.ts';
import type { ThreadKey } from './topics.ts';

// Foreign tables: conversations. The hot path reads and writes in one statement.
// Real time: leases.

/**
 * The one-writer rule of a thread. The lease's token grows with every holder and stands in the condition of every write
 * of a turn, so that a holder that was paused past its lease cannot write any more. Only the database's clock counts.
 */
export type Lease = { threadId: string; token: number };

export type PendingEvent = {
  id: string;
  seq: number;
  attempts: number;
  /** what `carried` left: the id of the request, maybe with its trace */
  requestId: string | null;
  /** milliseconds since 1970, by the database's clock */
  receivedAt?: number | undefined;
  event: Inbound;
};

export type Claimed = {
  lease: Lease;
  /** the thread's wake count that this holder has seen */
  wakes: number;
  events: PendingEvent[];
  /** a turn that was begun and not finished: it is continued with its own events first */
  interrupted: { id: string; lastEventSeq: number; conversationId: string } | undefined;
  /** the thread's open conversation, if any */
  conversation: { id: string; status: ConversationStatus; botId: string | null; contactId: string } | undefined;
};

export const LEASE_MS = 6_000;
/** A burst is worked off in rounds. */
const ROUND = 100;
/** Characters of one round, unless a single message has more: one person's flood is stored in statements of a short time. */
const ROUND_CHARACTERS = 200_000;

const until = (milliseconds: number) => sql`now() + make_interval(secs => ${milliseconds / 1000})`;

/** Condition: waits in this mailbox. */
export const pendingEvents = (key: ThreadKey) =>
  sql`inbox_id = ${key.inboxId}::uuid and thread_key = ${key.threadKey} and processed_at is null and dead_at is null`;

/** What waits in the mailbox, and the conversation it belongs to, as two columns. */
const mailbox = (key: ThreadKey) => sql`
  (select json_agg(e) from (
    select id, seq, attempts, request_id, received_at, payload from (
      select p.*, sum(length(payload ->> 'text')) over (order by seq) - coalesce(length(payload ->> 'text'), 0) as characters_before
      from (
        select id, seq, attempts, request_id, received_at, payload from inbound_events where ${pendingEvents(key)}
        order by seq limit ${ROUND}) p) sized
    where coalesce(characters_before, 0) < ${ROUND_CHARACTERS} order by seq) e) as events,
  (select to_json(c) from (
    select v.id, v.status, v.bot_id, v.contact_id from conversations v join threads t on t.id = v.thread_id
    where t.inbox_id = ${key.inboxId}::uuid and t.thread_key = ${key.threadKey} and v.status <> 'resolved') c) as conversation,
  (select to_json(r) from (
    select u.id, u.last_event_seq, u.conversation_id from turns u join threads t on t.id = u.thread_id
    where t.inbox_id = ${key.inboxId}::uuid and t.thread_key = ${key.threadKey} and u.status = 'running'
    order by u.last_event_seq limit 1) r) as interrupted`;

type MailboxRow = {
  events:
    | { id: string; seq: number; attempts: number; request_id: string | null; received_at: string; payload: Inbound }[]
    | null;
  conversation: { id: string; status: ConversationStatus; bot_id: string | null; contact_id: string } | null;
  interrupted: { id: string; last_event_seq: number; conversation_id: string } | null;
};

type Mailbox = Pick<Claimed, 'events' | 'conversation' | 'interrupted'>;

const readRow = ({ events, conversation, interrupted }: MailboxRow): Mailbox => ({
  interrupted: interrupted
    ? {
        id: interrupted.id,
        lastEventSeq: Number(interrupted.last_event_seq),
        conversationId: interrupted.conversation_id,
      }
    : undefined,
  events: (events ?? []).map((event) => ({
    id: event.id,
    seq: Number(event.seq),
    attempts: event.attempts,
    requestId: event.request_id,
    receivedAt: Date.parse(event.received_at),
    event: event.payload,
  })),
  conversation: conversation
    ? {
        id: conversation.id,
        status: conversation.status,
        botId: conversation.bot_id,
        contactId: conversation.contact_id,
      }
    : undefined,
});

/**
 * Takes the thread, or leaves word for its holder: `wakes` grows in either case, and a holder cannot release without
 * having seen the newest wake.
 */
export async function claim(store: Store, key: ThreadKey): Promise<Claimed | undefined> {
  const holder = newId();
  const free = sql`(threads.lease_until is null or threads.lease_until < now())`;
  const [row] = await store.once<
    MailboxRow & { id: string; token: string | number; wakes: string | number; got: boolean }
  >(
    key.workspaceId,
    sql`
    with taken as (
      insert into threads (id, workspace_id, inbox_id, thread_key, lease_token, lease_holder, lease_until, wakes)
      values (${newId()}::uuid, ${key.workspaceId}::uuid, ${key.inboxId}::uuid, ${key.threadKey}, 1, ${holder}::uuid, ${until(LEASE_MS)}, 1)
      on conflict (inbox_id, thread_key) do update set
        wakes = threads.wakes + 1,
        lease_token = threads.lease_token + case when ${free} then 1 else 0 end,
        lease_holder = case when ${free} then excluded.lease_holder else threads.lease_holder end,
        lease_until = case when ${free} then excluded.lease_until else threads.lease_until end
      returning id, lease_token as token, wakes, lease_holder = ${holder}::uuid as got
    )
    select taken.*, ${mailbox(key)} from taken`,
  );
  if (!row?.got) return undefined;
  return { lease: { threadId: row.id, token: Number(row.token) }, wakes: Number(row.wakes), ...readRow(row) };
}

export async function readMailbox(store: Store, key: ThreadKey): Promise<Mailbox> {
  const [row] = await store.once<MailboxRow>(key.workspaceId, sql`select ${mailbox(key)}`);
  return row ? readRow(row) : { events: [], conversation: undefined, interrupted: undefined };
}

/** False: the lease is lost, and everything under it must stop. */
export async function renew(store: Store, workspaceId: string, lease: Lease): Promise<boolean> {
  const rows = await store.once(
    workspaceId,
    sql`update threads set lease_until = ${until(LEASE_MS)}
        where id = ${lease.threadId}::uuid and lease_token = ${lease.token} returning id`,
  );
  return rows.length === 1;
}

/**
 * Gives the thread back in a statement that proves there is nothing to do: no wake since `wakes`, nothing pending.
 * Otherwise the holder goes on, with the new count.
 * @returns undefined when released or lost; the new wake count when there is more to do
 */
export async function release(store: Store, key: ThreadKey, lease: Lease, wakes: number): Promise<number | undefined> {
  const idle = sql`(wakes = ${wakes} and not exists (select 1 from inbound_events where ${pendingEvents(key)}))`;
  const [row] = await store.once<{ wakes: string | number; released: boolean }>(
    key.workspaceId,
    sql`
    update threads set lease_until = case when ${idle} then null else ${until(LEASE_MS)} end,
      lease_holder = case when ${idle} then null else lease_holder end
    where id = ${lease.threadId}::uuid and lease_token = ${lease.token}
    returning wakes, lease_until is null as released`,
  );
  return row && !row.released ? Number(row.wakes) : undefined;
}

/** Gives the thread back after a failure, not to be taken again before `delayMs`. */
export async function postpone(store: Store, workspaceId: string, lease: Lease, delayMs: number): Promise<void> {
  await store.once(
    workspaceId,
    sql`update threads set lease_holder = null, lease_until = ${until(delayMs)}
        where id = ${lease.threadId}::uuid and lease_token = ${lease.token}`,
  );
}

/** Counts a failed try. `dead`: it was the last one; the events are put aside with the error, and the lane goes on. */
export async function countFailure(
  store: Store,
  workspaceId: string,
  ids: string[],
  error: string,
  dead: boolean,
): Promise<void> {
  await store.once(
    workspaceId,
    sql`
    update inbound_events set attempts = attempts + 1, error = ${cleanText(error).slice(0, 1000)},
      dead_at = ${dead ? sql`now()` : sql`null`}
    where id = any(${sql.param(ids)}::uuid[])`,
  );
}
