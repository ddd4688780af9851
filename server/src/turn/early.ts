import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { Inbound } from '../channels/contract.ts';
import type { Tx } from '../platform/data/tenant.ts';
import type { PendingEvent } from './threads.ts';

// Real time (1): for how long it is kept.

/** What is said of one message by naming it: platforms send it on ways of its own, and it may be here first. */
export type Amendment = Extract<Inbound, { kind: 'edit' | 'delete' | 'reaction' }>;
export const isAmendment = (event: Inbound): event is Amendment =>
  event.kind === 'edit' || event.kind === 'delete' || event.kind === 'reaction';

/** So many are kept of one message; of more, the newest takes the last place. */
const PLACES = 10;

/** Beside the ids of platforms, and forgotten with them (retention.ts). */
const keysOf = (messageIds: string[]): SQL =>
  sql`${sql.param(
    messageIds.flatMap((id) => Array.from({ length: PLACES }, (_, place) => `early:${place}:${id}`)),
  )}::text[]`;

/** Keeps what names a message that is not here until it is. */
export async function keepEarly(
  tx: Tx,
  inbox: { workspaceId: string; id: string },
  { id, event }: PendingEvent & { event: Amendment },
): Promise<void> {
  await tx.execute(sql`
    with places as (
      select k.key, k.place, i.event_id from unnest(${keysOf([event.messageId])}) with ordinality as k(key, place)
      left join inbound_ids i on i.inbox_id = ${inbox.id}::uuid and i.platform_id = k.key)
    insert into inbound_ids (workspace_id, inbox_id, platform_id, event_id)
    select ${inbox.workspaceId}::uuid, ${inbox.id}::uuid, key, ${id}::uuid from places
    where not exists (select 1 from places where event_id = ${id}::uuid)
    order by event_id is null desc, case when event_id is null then place else -place end limit 1
    on conflict (inbox_id, platform_id) do update set event_id = excluded.event_id, received_at = now()`);
}

/** Whether anything was kept for these messages, as a condition. */
export const hasEarly = (inboxId: string, messageIds: string[]): SQL =>
  sql`exists (select 1 from inbound_ids where inbox_id = ${inboxId}::uuid and platform_id = any(${keysOf(messageIds)}))`;

/** Takes what was kept for these messages, in the order in which it came. */
export async function takeEarly(tx: Tx, inboxId: string, messageIds: string[]): Promise<Amendment[]> {
  if (messageIds.length === 0) return [];
  const { rows } = await tx.execute<{ payload: Inbound }>(sql`
    with taken as (
      delete from inbound_ids where inbox_id = ${inboxId}::uuid and platform_id = any(${keysOf(messageIds)}) returning event_id)
    select e.payload from inbound_events e join taken t on t.event_id = e.id order by e.seq`);
  return rows.map(({ payload }) => payload).filter(isAmendment);
}
