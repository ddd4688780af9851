import { sql } from 'drizzle-orm';
import type { Outcome } from '../engine/types.ts';
import type { TurnStatus } from '../db/schema/index.ts';
import { newId } from '../platform/ids.ts';
import { storedJson } from '../platform/stored-json.ts';
import type { Store } from '../platform/tenant.ts';
import type { Round } from './mailbox.ts';

export type Finish = { status: Exclude<TurnStatus, 'running'>; handler: string; trace?: Outcome['trace'] };

/**
 * Ends a round in one statement: the turn, its events and its record, all under the lease's token.
 * @returns false when the lease is somebody else's: nothing was written
 */
export async function finishTurn(
  store: Store,
  round: Round,
  turnId: string | undefined,
  ending: Finish,
  about: { conversationId?: string; botId?: string },
): Promise<boolean> {
  const ids = JSON.stringify(round.events.map((event) => event.id));
  const turn = turnId
    ? sql`, turn as (
        update turns set status = ${ending.status}, handler = ${ending.handler}, finished_at = now()
        where id = ${turnId}::uuid and exists (select 1 from held))`
    : sql``;
  const trace =
    turnId && ending.trace && about.conversationId
      ? sql`, trace as (
          insert into traces (id, workspace_id, bot_id, conversation_id, turn_id, question, record)
          select ${newId()}::uuid, ${round.key.workspaceId}::uuid, ${about.botId ?? null}::uuid, ${about.conversationId}::uuid,
            ${turnId}::uuid, ${ending.trace.question}, ${storedJson(ending.trace.record)}::jsonb from held)`
      : sql``;
  const [row] = await store.once<{ held: boolean }>(
    round.key.workspaceId,
    sql`
    with held as (
      select id from threads where id = ${round.lease.threadId}::uuid and lease_token = ${round.lease.token} for update
    ), events as (
      update inbound_events set processed_at = now()
      where id in (select jsonb_array_elements_text(${ids}::jsonb)::uuid) and exists (select 1 from held)
    )${turn}${trace}
    select exists (select 1 from held) as held`,
  );
  return row?.held === true;
}
