import { sql } from 'drizzle-orm';
import type { Message } from '@parley/contract';
import type { Conversation, Inbound, SendContext } from '../channels/contract.ts';
import { receiptId } from '../channels/inbound.ts';
import { advance, mayBecome, withFailure } from '../features/messages/commands.ts';
import { presentMessage } from '../features/messages/present.ts';
import type { MessageRow } from '../features/messages/present.ts';
import type { Store, Tx } from '../platform/data/tenant.ts';
import { ahead } from '../platform/data/lease.ts';
import { hasEarly } from './early.ts';
import { heldBy, LEASE_MS } from './lease.ts';
import type { ClaimedDelivery } from './lease.ts';

// Foreign tables: contact_identities, contacts, conversations, messages. The hot path reads and writes in one statement.
// Real time (2): when the machinery was done, and when it tries.

/** The token of a delivery that its writer began itself, in the statement that made it. */
const FIRST_TOKEN = 1;

/** A delivery that was begun with its message (`sendFor` of the append). */
export const begunWith = (
  delivery: { id: string; requestId: string | null; inboxId: string; threadKey: string },
  message: Message,
): ClaimedDelivery => ({
  ...delivery,
  token: FIRST_TOKEN,
  attempts: 1,
  conversationId: message.conversationId,
  createdAt: message.createdAt,
  acceptedParts: [],
  message,
  // A bot sends text alone.
  template: undefined,
});

/** Where a part is sent. The conversation is read when the channel asks for it, once. */
export function sendContext(
  store: Store,
  of: { workspaceId: string; conversationId: string; threadKey: string; replyToId?: string | null; attemptKey: string },
): SendContext {
  let reading: Promise<Conversation> | undefined;
  return {
    threadKey: of.threadKey,
    attemptKey: of.attemptKey,
    conversation: () => (reading ??= readConversation(store, of)),
  };
}

async function readConversation(
  store: Store,
  of: { workspaceId: string; conversationId: string; replyToId?: string | null },
): Promise<Conversation> {
  const [row] = await store.once<{
    name: string;
    email: string | null;
    phone: string | null;
    external_ids: string[] | null;
    last_inbound_id: string | null;
    last_inbound_at: string | Date | null;
    reply_to: string | null;
    refs: string[] | null;
  }>(
    of.workspaceId,
    sql`
    select p.name, p.email, p.phone, c.last_inbound_id, c.last_inbound_at,
      (select array_agg(i.external_id order by i.id desc) from contact_identities i
        where i.inbox_id = c.inbox_id and i.contact_id = c.contact_id) as external_ids,
      (select coalesce(m.platform_id, (select d.platform_ids[array_upper(d.platform_ids, 1)] from deliveries d where d.message_id = m.id))
        from messages m where m.id = ${of.replyToId ?? null}::uuid) as reply_to,
      (select array_agg(r.platform_id order by r.seq) from (
        select m.platform_id, m.seq from messages m where m.conversation_id = c.id and m.id >= c.messages_from
          and m.platform_id is not null order by m.seq desc limit 20) r) as refs
    from conversations c join contacts p on p.id = c.contact_id where c.id = ${of.conversationId}::uuid`,
  );
  if (!row) throw new Error('the conversation of a delivery is gone');
  return {
    contact: { externalIds: row.external_ids ?? [], name: row.name, email: row.email, phone: row.phone },
    lastInbound:
      row.last_inbound_id !== null && row.last_inbound_at !== null
        ? { id: row.last_inbound_id, at: new Date(row.last_inbound_at).toISOString() }
        : null,
    replyTo: row.reply_to,
    references: row.refs ?? [],
  };
}

/** Remembers an accepted part, so that a crash repeats at most the part that was on its way. */
export async function notePart(
  store: Store,
  workspaceId: string,
  delivery: ClaimedDelivery,
  platformId: string,
): Promise<boolean> {
  const rows = await store.once(
    workspaceId,
    sql`update deliveries set platform_ids = array_append(platform_ids, ${platformId}),
          lease_until = ${ahead(LEASE_MS)}
        where ${heldBy(delivery.id, delivery.token)} returning id`,
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
  delivery: ClaimedDelivery,
  ending: Ending,
): Promise<{ message: Message | undefined; more: boolean; early: boolean }> {
  const sent = ending.state === 'sent';
  const platformIds = sent && ending.platformId ? [...delivery.acceptedParts, ending.platformId] : [];
  const unreachable =
    ending.state === 'failed' && ending.unreachable
      ? sql`, unreachable as (
          update contact_identities i set reachable = false from done, conversations c
          where c.id = done.conversation_id and i.inbox_id = c.inbox_id and i.contact_id = c.contact_id)`
      : sql``;
  const [row] = await store.once<{ message: MessageRow | null; more: boolean; early: boolean }>(
    workspaceId,
    sql`
    with done as (
      update deliveries set state = ${ending.state}, finished_at = now(), lease_until = null,
        error = ${ending.state === 'failed' ? ending.reason : null}::text,
        platform_ids = ${sent && ending.platformId ? sql`array_append(platform_ids, ${ending.platformId})` : sql`platform_ids`}
      where ${heldBy(delivery.id, delivery.token)}
      returning id, thread_id, message_id, conversation_id
    ), told as (
      update messages m set status = ${ending.state}, error = ${ending.state === 'failed' ? ending.reason : null}::text,
        payload = ${withFailure(ending.state === 'failed' ? ending : undefined)}
      -- The id stands here, too, so that the plan is made for its month alone.
      from done where m.id = done.message_id and m.id = ${delivery.message.id}::uuid and m.${mayBecome(ending.state)} returning m.*
    )${unreachable}
    select (select to_json(told) from told) as message,
      exists (select 1 from deliveries n, done where n.thread_id = done.thread_id and n.id <> done.id and n.state in ('pending', 'sending')) as more,
      ${platformIds.length > 0 ? hasEarly(delivery.inboxId, platformIds) : sql`false`} as early`,
  );
  return {
    message: row?.message ? presentMessage(row.message) : undefined,
    more: row?.more ?? true,
    early: row?.early ?? false,
  };
}

/** A platform moved the conversation to another id (a group that became a supergroup). */
export async function moveThread(tx: Tx, threadId: string, threadKey: string): Promise<void> {
  await tx.execute(sql`
    update threads set thread_key = ${threadKey} where id = ${threadId}::uuid
      and not exists (select 1 from threads o where o.inbox_id = threads.inbox_id and o.thread_key = ${threadKey})`);
}

/** What waits for the customer is tried now: the platform says at once that it cannot be delivered, and the agent reads why. */
export async function hurryDeliveries(tx: Tx, threadId: string): Promise<void> {
  await tx.execute(sql`
    update deliveries set next_attempt_at = now() where thread_id = ${threadId}::uuid and state = 'pending'`);
}

/** A receipt of a message we do not know changes nothing: it may be of one whose send has not returned (deliver.ts). */
export async function applyReceipt(
  tx: Tx,
  threadId: string,
  event: Extract<Inbound, { kind: 'status' }>,
): Promise<Message[]> {
  const { rows } = await tx.execute<{ message_id: string }>(
    sql`select message_id from deliveries where thread_id = ${threadId}::uuid and ${event.messageId} = any(platform_ids)`,
  );
  const moved = rows[0] && (await advance(tx, rows[0].message_id, event.status, event.failure));
  return moved ? [moved] : [];
}

/** All messages up to a time, the latest of them: platforms that give no receipt for each. */
export async function applyWatermark(
  tx: Tx,
  threadId: string,
  event: Extract<Inbound, { kind: 'watermark' }>,
): Promise<Message[]> {
  const { rows } = await tx.execute<{ message_id: string }>(sql`
        select message_id from deliveries
        where thread_id = ${threadId}::uuid and state = 'sent' and created_at <= ${event.upTo}::timestamptz
        order by seq desc limit 50`);
  const moved: Message[] = [];
  for (const { message_id: id } of rows) {
    const message = await advance(tx, id, event.status);
    if (message) moved.push(message);
  }
  return moved;
}

const STATUSES = ['sent', 'delivered', 'read', 'failed'];

/** Applies the receipts of a message that came before it was known under that id, by their dedupe keys. */
export async function receiptsBefore(
  tx: Tx,
  of: { inboxId: string; threadId: string; platformId: string },
): Promise<Message[]> {
  const ids = STATUSES.map((status) => receiptId(of.platformId, status));
  const { rows } = await tx.execute<{ payload: Inbound }>(sql`
    select e.payload from inbound_ids i join inbound_events e on e.id = i.event_id
    where i.inbox_id = ${of.inboxId}::uuid and i.platform_id = any(${sql.param(ids)}::text[]) order by e.seq`);
  const messages: Message[] = [];
  for (const { payload } of rows) {
    if (payload.kind === 'status') messages.push(...(await applyReceipt(tx, of.threadId, payload)));
  }
  return messages.slice(-1);
}
