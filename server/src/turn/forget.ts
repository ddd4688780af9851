import { sql } from 'drizzle-orm';
import { forgetPreviews } from '../features/conversations/retention.ts';
import { forgetWords } from '../features/handoffs/retention.ts';
import { firstIdOf } from '../platform/ids.ts';
import type { Store } from '../platform/tenant.ts';

const BATCH = 1_000;

type Step = (store: Store, workspaceId: string, before: Date, limit: number) => Promise<number>;

/** The ledgers of the path: an id tells its time, and so the oldest are at one end of the primary key. */
const forgetDeliveries: Step = async (store, workspaceId, before, limit) => {
  const rows = await store.once(
    workspaceId,
    sql`delete from deliveries where id in (
          select id from deliveries where id < ${firstIdOf(before)}::uuid and state in ('sent', 'failed') limit ${limit})
        returning id`,
  );
  return rows.length;
};
const forgetTurns: Step = async (store, workspaceId, before, limit) => {
  const rows = await store.once(
    workspaceId,
    sql`delete from turns where id in (
          select id from turns where id < ${firstIdOf(before)}::uuid and status <> 'running' limit ${limit}) returning id`,
  );
  return rows.length;
};

/**
 * What else is left of messages that are no longer kept: words in conversations and handoffs, and the rows of deliveries
 * and turns. Inside each workspace and in batches, so that nothing is locked for long; it may be ended and begun again.
 */
export function createForget(store: Store): (before: Date) => Promise<void> {
  return async function forget(before) {
    const { rows } = await store.asSystem((tx) => tx.execute<{ id: string }>(sql`select id from workspaces`));
    let failure: unknown;
    for (const { id } of rows) {
      try {
        for (const step of [forgetPreviews, forgetWords, forgetDeliveries, forgetTurns])
          while ((await step(store, id, before, BATCH)) === BATCH);
      } catch (error) {
        // One whose database is away keeps no other from being seen to.
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  };
}
