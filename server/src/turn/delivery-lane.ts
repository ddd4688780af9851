import { sql } from 'drizzle-orm';
import type { Message } from '@parley/contract';
import type { MessagePayload } from '../db/schema/index.ts';
import { mayBecome, withFailure } from '../features/messages/commands.ts';
import { presentMessage } from '../features/messages/present.ts';
import type { MessageRow } from '../features/messages/present.ts';
import type { Store } from '../platform/data/tenant.ts';
import type { DeliveryKey } from '../features/messages/topics.ts';

// Foreign tables: contact_identities, messages. The hot path reads and writes in one statement.
// Real time: leases and tries.

/** One message on its way to a platform. `token` proves that this process has it. */
export type Claimed = {
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
  message: Pick<Message, 'id' | 'author' | 'text' | 'citations' | 'attachments' | 'replyToId'>;
  template: MessagePayload['template'];
};

/** Short, so that a message whose sender died does not wait long; renewed while a send takes its time. */
export const LEASE_SECONDS = 6;
/** The token of a delivery that its writer began itself, in the statement that made it. */
const FIRST_TOKEN = 1;
export const RENEW_MS = (LEASE_SECONDS * 1000) / 3;

/**
 * The oldest unfinished message of the thread, if it may be sent now. Only ever the oldest: order inside a conversation
 * is kept, also across processes. One whose sender died is taken up again when its lease runs out.
 */
export async function claimNext(store: Store, lane: DeliveryKey): Promise<Claimed | undefined> {
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
    lane.workspaceId,
    sql`
    update deliveries d set state = 'sending', attempts = d.attempts + 1, lease_token = d.lease_token + 1,
      lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
    from messages m, threads t
    where d.id = (select id from deliveries where thread_id = ${lane.threadId}::uuid and state in ('pending', 'sending') order by seq limit 1)
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

/** A delivery that was begun with its message (`sendFor` of the append). */
export const begunWith = (
  delivery: { id: string; requestId: string | null; inboxId: string; threadKey: string },
  message: Message,
): Claimed => ({
  ...delivery,
  token: FIRST_TOKEN,
  attempts: 1,
  conversationId: message.conversationId,
  createdAt: message.createdAt,
  acceptedParts: [],
  message,
  // A bot has words alone.
  template: undefined,
});

/** The send still runs. */
export async function holdOn(store: Store, workspaceId: string, delivery: Claimed): Promise<void> {
  await store.once(
    workspaceId,
    sql`update deliveries set lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
        where id = ${delivery.id}::uuid and lease_token = ${delivery.token} and state = 'sending'`,
  );
}

/** Remembers an accepted part, so that a crash repeats at most the part that was on its way. */
export async function notePart(
  store: Store,
  workspaceId: string,
  delivery: Claimed,
  platformId: string,
): Promise<boolean> {
  const rows = await store.once(
    workspaceId,
    sql`update deliveries set platform_ids = array_append(platform_ids, ${platformId}),
          lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
        where id = ${delivery.id}::uuid and lease_token = ${delivery.token} returning id`,
  );
  return rows.length === 1;
}

export type DeliveryFailure = { reason: string; code: string; retryable: boolean; unreachable: boolean };
type Ending = { state: 'sent'; platformId: string | undefined } | ({ state: 'failed' } & DeliveryFailure);

/**
 * The end of a delivery, its message's status and, for a customer who blocked us, that they cannot be reached. `more`
 * tells whether another message waits behind it.
 */
export async function endDelivery(
  store: Store,
  workspaceId: string,
  delivery: Claimed,
  ending: Ending,
): Promise<{ message: Message | undefined; more: boolean }> {
  const sent = ending.state === 'sent';
  const unreachable =
    ending.state === 'failed' && ending.unreachable
      ? sql`, unreachable as (
          update contact_identities i set reachable = false from done, conversations c
          where c.id = done.conversation_id and i.inbox_id = c.inbox_id and i.contact_id = c.contact_id)`
      : sql``;
  const [row] = await store.once<{ message: MessageRow | null; more: boolean }>(
    workspaceId,
    sql`
    with done as (
      update deliveries set state = ${ending.state}, finished_at = now(), lease_until = null,
        error = ${ending.state === 'failed' ? ending.reason : null}::text,
        platform_ids = ${sent && ending.platformId ? sql`array_append(platform_ids, ${ending.platformId})` : sql`platform_ids`}
      where id = ${delivery.id}::uuid and lease_token = ${delivery.token}
      returning id, thread_id, message_id, conversation_id
    ), told as (
      update messages m set status = ${ending.state}, error = ${ending.state === 'failed' ? ending.reason : null}::text,
        payload = ${withFailure(ending.state === 'failed' ? ending : undefined)}
      -- The id stands here, too, so that the plan is made for its month alone.
      from done where m.id = done.message_id and m.id = ${delivery.message.id}::uuid and m.${mayBecome(ending.state)} returning m.*
    )${unreachable}
    select (select to_json(told) from told) as message,
      exists (select 1 from deliveries n, done where n.thread_id = done.thread_id and n.id <> done.id and n.state in ('pending', 'sending')) as more`,
  );
  return { message: row?.message ? presentMessage(row.message) : undefined, more: row?.more ?? true };
}

/** `counts` tells whether the platform was asked: only then was it an attempt. */
export async function postponeDelivery(
  store: Store,
  workspaceId: string,
  delivery: Claimed,
  { afterMs, reason, counts }: { afterMs: number; reason: string; counts: boolean },
): Promise<void> {
  await store.once(
    workspaceId,
    sql`update deliveries set state = 'pending', lease_until = null, error = ${reason.slice(0, 500)},
          next_attempt_at = now() + make_interval(secs => ${afterMs / 1000}),
          attempts = attempts - ${counts ? 0 : 1}
        where id = ${delivery.id}::uuid and lease_token = ${delivery.token}`,
  );
}

/** A platform moved the conversation to another id (a group that became a supergroup). */
export async function moveThread(store: Store, lane: DeliveryKey, threadKey: string): Promise<void> {
  await store.once(
    lane.workspaceId,
    sql`update threads set thread_key = ${threadKey} where id = ${lane.threadId}::uuid
          and not exists (select 1 from threads o where o.inbox_id = threads.inbox_id and o.thread_key = ${threadKey})`,
  );
}
