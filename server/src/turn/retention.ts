import { sql } from 'drizzle-orm';
import { firstIdOf } from '../platform/data/ids.ts';
import type { RetentionStep } from '../features/workspaces/commands.ts';
import type { Store } from '../platform/data/tenant.ts';

// Real time (3): for how long platforms try again.

/** The ledgers of the path: an id tells its time, and so the oldest are at one end of the primary key. */
export const forgetDeliveries: RetentionStep = async (store, workspaceId, before, limit) => {
  const rows = await store.once(
    workspaceId,
    sql`delete from deliveries where id in (
          select id from deliveries where id < ${firstIdOf(before)}::uuid and state in ('sent', 'failed') limit ${limit})
        returning id`,
  );
  return rows.length;
};
export const forgetTurns: RetentionStep = async (store, workspaceId, before, limit) => {
  const rows = await store.once(
    workspaceId,
    sql`delete from turns where id in (
          select id from turns where id < ${firstIdOf(before)}::uuid and status <> 'running' limit ${limit}) returning id`,
  );
  return rows.length;
};

/**
 * For how long a platform's id is known. The longest time a platform tries again is WhatsApp's, 7 days (Messenger 36 hours,
 * Telegram 24 hours, the others less); twice that, since a repetition that is not recognised answers a customer twice.
 */
const DEDUPE_DAYS = 14;
const BATCH = 5_000;
const EVERY_MS = 3_600_000;

/**
 * Deletes the ids of what platforms sent, once no platform sends it again. May be called often: it deletes one batch a call while there
 * is more, and looks once an hour otherwise. As parley_system, which can tell a row's age and nothing else of it.
 */
export function createDedupeRetention(store: Store): () => Promise<number> {
  let lookedAt = 0;
  return async function deleteOld() {
    if (Date.now() - lookedAt < EVERY_MS) return 0;
    const ended = await Promise.allSettled(
      store.places().map(async (place) => {
        const { rowCount } = await place.asSystem((tx) =>
          tx.execute(sql`
            delete from inbound_ids where ctid = any(array(
              select ctid from inbound_ids where received_at < now() - make_interval(days => ${DEDUPE_DAYS}) limit ${BATCH}))`),
        );
        return rowCount ?? 0;
      }),
    );
    const deleted = Math.max(...ended.map((one) => (one.status === 'fulfilled' ? one.value : 0)));
    if (deleted < BATCH) lookedAt = Date.now();
    // A place that is away is looked at in an hour.
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
    return deleted;
  };
}
