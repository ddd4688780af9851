import { sql } from 'drizzle-orm';
import { firstIdOf } from '../platform/data/ids.ts';
import type { RetentionStep } from '../platform/data/retention.ts';

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
