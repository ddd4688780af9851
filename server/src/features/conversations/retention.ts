import { sql } from 'drizzle-orm';
import type { Store } from '../../platform/data/tenant.ts';

/**
 * Takes the words out of conversations whose last message is older than what is kept; the conversation itself stays, for
 * what is counted.
 * @returns how many, at most `limit`
 */
export async function forgetPreviews(store: Store, workspaceId: string, before: Date, limit: number): Promise<number> {
  const rows = await store.once(
    workspaceId,
    sql`update conversations set last_message_preview = '' where id in (
          select id from conversations where last_message_at < ${before.toISOString()}::timestamptz and last_message_preview <> ''
          limit ${limit}) returning id`,
  );
  return rows.length;
}
