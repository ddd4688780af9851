import { sql } from 'drizzle-orm';
import type { Outcome } from '../engine/types.ts';
import type { TurnStatus } from '../db/schema/index.ts';
import { newId } from '../platform/data/ids.ts';
import { storedJson } from '../platform/data/stored-json.ts';
import type { Store } from '../platform/data/tenant.ts';
import { pendingEvents } from './lease.ts';
import type { Round } from './mailbox.ts';

// Foreign tables: traces. The hot path reads and writes in one statement.
// Real time: when the machinery was done.

export type Finish = { status: Exclude<TurnStatus, 'running'>; handler: string; trace?: Outcome['trace'] };

/**
 * Ends a round in one statement: the turn, its events and its record, all under the lease's token; and gives the thread
 * back when that same statement proves that nothing else waits and nobody woke it since.
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
  const { key, lease } = round;
  const idle = sql`(wakes = ${round.wakes} and not exists (select 1 from inbound_events e where ${pendingEvents(key)}
    and e.id <> all(${ids}::uuid[])))`;
  const [row] = await store.once<{ released: boolean | null }>(
    key.workspaceId,
    sql`
    with held as (
      update threads set lease_until = case when ${idle} then null else lease_until end,
        lease_holder = case when ${idle} then null else lease_holder end
      where id = ${lease.threadId}::uuid and lease_token = ${lease.token}
      returning lease_until is null as released
    ), events as (
      update inbound_events set processed_at = now()
      where id = any(${ids}::uuid[]) and exists (select 1 from held)
    )${turn}${trace}
    select (select released from held) as released`,
  );
  const released = row?.released ?? null;
  return released === null ? undefined : { released };
}
