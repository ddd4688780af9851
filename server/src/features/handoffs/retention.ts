import { sql } from 'drizzle-orm';
import type { Store } from '../../platform/data/tenant.ts';

/**
 * Takes the words out of handoffs that began before what is kept and are over: what was asked and what the bot tried.
 * @returns how many, at most `limit`
 */
export async function forgetWords(store: Store, workspaceId: string, before: Date, limit: number): Promise<number> {
  const rows = await store.once(
    workspaceId,
    sql`update handoffs set question = null, attempt = null, reason_detail = null where id in (
          select id from handoffs where waiting_since < ${before.toISOString()}::timestamptz and status <> 'waiting'
            and (question is not null or attempt is not null or reason_detail is not null)
          limit ${limit}) returning id`,
  );
  return rows.length;
}
