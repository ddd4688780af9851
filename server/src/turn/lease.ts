import { sql } from 'drizzle-orm';
import type { Message } from '@parley/contract';
import type { MessagePayload } from '../db/schema/index.ts';
import { presentMessage } from '../features/messages/present.ts';
import type { MessageRow } from '../features/messages/present.ts';
import type { DeliveryKey } from '../features/messages/topics.ts';
import { newId } from '../platform/data/ids.ts';
import { ahead, isFree } from '../platform/data/lease.ts';
import type { Store } from '../platform/data/tenant.ts';
import { mailboxColumns, pendingEvents, readMailbox, readMailboxRow } from './threads.ts';
import type { Mailbox, MailboxRow, ThreadKey } from './threads.ts';

// Foreign tables: messages. A delivery is claimed with its message in one statement.
// Real time (2): leases.

/** Short, so that what a dead process held does not wait long; renewed while it is worked on. */
export const LEASE_MS = 6_000;

/** Condition, of every write of a holder: the row is still its own. */
export const heldBy = (id: string, token: number) => sql`id = ${id}::uuid and lease_token = ${token}`;

/** Renews while something runs, three times within a lease. @returns how to stop */
export function keepRenewed(renew: () => Promise<void>, failed: (error: unknown) => void): () => void {
  const timer = setInterval(() => void renew().catch(failed), LEASE_MS / 3);
  return () => clearInterval(timer);
}

/**
 * The one-writer rule of a thread. The lease's token grows with every holder and stands in the condition of every write
 * of a turn, so that a holder that was paused past its lease cannot write any more. Only the database's clock counts.
 */
export type Lease = { threadId: string; token: number };

/** Thrown when a guarded write was refused: another process has the thread now. Not a failure. */
export class LeaseLost extends Error {
  constructor() {
    super('the lease of the thread is lost');
    this.name = 'LeaseLost';
  }
}

export type ClaimedThread = Mailbox & {
  lease: Lease;
  /** the thread's wake count that this holder has seen */
  wakes: number;
};

/**
 * Takes the thread, or leaves a wake for its holder: `wakes` grows in either case, and a holder cannot release without
 * having seen the newest wake.
 */
export async function claimThread(store: Store, key: ThreadKey): Promise<ClaimedThread | undefined> {
  const holder = newId();
  const free = isFree(sql`threads.lease_until`);
  const [row] = await store.once<
    MailboxRow & { id: string; token: string | number; wakes: string | number; got: boolean; seen: string | null }
  >(
    key.workspaceId,
    sql`
    with taken as (
      insert into threads (id, workspace_id, inbox_id, thread_key, lease_token, lease_holder, lease_until, wakes)
      values (${newId()}::uuid, ${key.workspaceId}::uuid, ${key.inboxId}::uuid, ${key.threadKey}, 1, ${holder}::uuid, ${ahead(LEASE_MS)}, 1)
      on conflict (inbox_id, thread_key) do update set
        wakes = threads.wakes + 1,
        lease_token = threads.lease_token + case when ${free} then 1 else 0 end,
        lease_holder = case when ${free} then excluded.lease_holder else threads.lease_holder end,
        lease_until = case when ${free} then excluded.lease_until else threads.lease_until end
      returning id, lease_token as token, wakes, lease_holder = ${holder}::uuid as got
    )
    select taken.*, ${mailboxColumns(key)},
      (select t.wakes::text from threads t where t.inbox_id = ${key.inboxId}::uuid and t.thread_key = ${key.threadKey}
        and ${isFree(sql`t.lease_until`)}) as seen
    from taken`,
  );
  if (!row?.got) return undefined;
  const wakes = Number(row.wakes);
  // The row is taken as it is now, all else is read as it was when the statement began. Where that was not a free thread one wake
  // behind, somebody held it in between, and what they left is read again.
  const isFresh = Number(row.seen ?? 0) + 1 === wakes;
  const mailbox = isFresh ? readMailboxRow(row) : await readMailbox(store, key);
  return { lease: { threadId: row.id, token: Number(row.token) }, wakes, ...mailbox };
}

/** False: the lease is lost, and everything under it must stop. */
export async function renewThread(store: Store, workspaceId: string, lease: Lease): Promise<boolean> {
  const rows = await store.once(
    workspaceId,
    sql`update threads set lease_until = ${ahead(LEASE_MS)}
        where ${heldBy(lease.threadId, lease.token)} returning id`,
  );
  return rows.length === 1;
}

/**
 * Gives the thread back in a statement that proves there is nothing to do: no wake since `wakes`, nothing pending.
 * Otherwise the holder goes on, with the new count.
 * @returns undefined when released or lost; the new wake count when there is more to do
 */
export async function releaseThread(
  store: Store,
  key: ThreadKey,
  lease: Lease,
  wakes: number,
): Promise<number | undefined> {
  const idle = sql`(wakes = ${wakes} and not exists (select 1 from inbound_events where ${pendingEvents(key)}))`;
  const [row] = await store.once<{ wakes: string | number; released: boolean }>(
    key.workspaceId,
    sql`
    update threads set lease_until = case when ${idle} then null else ${ahead(LEASE_MS)} end,
      lease_holder = case when ${idle} then null else lease_holder end
    where ${heldBy(lease.threadId, lease.token)}
    returning wakes, lease_until is null as released`,
  );
  return row && !row.released ? Number(row.wakes) : undefined;
}

/** Gives the thread back after a failure, not to be taken again before `delayMs`. */
export async function postponeThread(store: Store, workspaceId: string, lease: Lease, delayMs: number): Promise<void> {
  await store.once(
    workspaceId,
    sql`update threads set lease_holder = null, lease_until = ${ahead(delayMs)}
        where ${heldBy(lease.threadId, lease.token)}`,
  );
}

/** One message on its way to a platform. `token` fences as that of a thread does. */
export type ClaimedDelivery = {
  id: string;
  token: number;
  attempts: number;
  inboxId: string;
  threadKey: string;
  conversationId: string;
  requestId: string | null;
  createdAt: string;
  /** ids of the parts the platform has accepted */
  acceptedParts: string[];
  message: Pick<Message, 'id' | 'author' | 'text' | 'citations' | 'attachments' | 'choices' | 'replyToId'>;
  template: MessagePayload['template'];
};

/**
 * The oldest unfinished message of the thread, if it may be sent now. Only ever the oldest: order inside a conversation
 * is kept, also across processes. One whose sender died is taken up again when its lease runs out.
 */
export async function claimDelivery(store: Store, key: DeliveryKey): Promise<ClaimedDelivery | undefined> {
  const [row] = await store.once<{
    id: string;
    lease_token: string | number;
    attempts: number;
    inbox_id: string;
    thread_key: string;
    conversation_id: string;
    request_id: string | null;
    created_at: string | Date;
    platform_ids: string[];
    message: MessageRow;
  }>(
    key.workspaceId,
    sql`
    update deliveries d set state = 'sending', attempts = d.attempts + 1, lease_token = d.lease_token + 1,
      lease_until = ${ahead(LEASE_MS)}
    from messages m, threads t
    where d.id = (select id from deliveries where thread_id = ${key.threadId}::uuid and state in ('pending', 'sending') order by seq limit 1)
      and ((d.state = 'pending' and d.next_attempt_at <= now()) or (d.state = 'sending' and d.lease_until < now()))
      and m.id = d.message_id and t.id = d.thread_id
    returning d.id, d.lease_token, d.attempts, d.inbox_id, t.thread_key, d.conversation_id, d.request_id, d.created_at,
      d.platform_ids, to_json(m) as message`,
  );
  if (!row) return undefined;
  const message = presentMessage(row.message);
  return {
    id: row.id,
    token: Number(row.lease_token),
    attempts: row.attempts,
    inboxId: row.inbox_id,
    threadKey: row.thread_key,
    conversationId: row.conversation_id,
    requestId: row.request_id,
    createdAt: new Date(row.created_at).toISOString(),
    acceptedParts: row.platform_ids,
    message,
    template: row.message.payload.template,
  };
}

/** The send still runs. */
export async function renewDelivery(store: Store, workspaceId: string, delivery: ClaimedDelivery): Promise<void> {
  await store.once(
    workspaceId,
    sql`update deliveries set lease_until = ${ahead(LEASE_MS)}
        where ${heldBy(delivery.id, delivery.token)} and state = 'sending'`,
  );
}

/** Gives the delivery back, not to be sent before `afterMs`. `counts` tells whether the platform was asked: only then was it an attempt. */
export async function postponeDelivery(
  store: Store,
  workspaceId: string,
  delivery: ClaimedDelivery,
  { afterMs, reason, counts }: { afterMs: number; reason: string; counts: boolean },
): Promise<void> {
  await store.once(
    workspaceId,
    sql`update deliveries set state = 'pending', lease_until = null, error = ${reason.slice(0, 500)},
          next_attempt_at = ${ahead(afterMs)},
          attempts = attempts - ${counts ? 0 : 1}
        where ${heldBy(delivery.id, delivery.token)}`,
  );
}
