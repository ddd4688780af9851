import { sql } from 'drizzle-orm';
import type { Sweep } from '../../platform/sweeps/sweeps.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import type { Store } from '../../platform/data/tenant.ts';

const AT_ONCE = 200;
const EVERY_MS = 10_000;

/**
 * Deletes bytes no file has any more. The bytes go first and the note of them last, so that a crash between has them deleted
 * once more, which is no error.
 */
export function bytesToDelete({ store, storage }: { store: Store; storage: Storage }): Sweep {
  async function remove(workspaceId: string, key: string): Promise<void> {
    // Copies share their bytes. Of a file that is gone none can be made, so the answer stays right.
    const [kept] = await store.once(workspaceId, sql`select 1 from files where storage_key = ${key} limit 1`);
    if (!kept) await storage.remove(key);
    await store.once(workspaceId, sql`delete from file_removals where storage_key = ${key}`);
  }

  return {
    name: 'bytes to delete',
    everyMs: EVERY_MS,
    async at(place) {
      const { rows } = await place.asSystem((tx) =>
        tx.execute<{ workspace_id: string; storage_key: string }>(
          sql`select workspace_id, storage_key from file_removals order by created_at limit ${AT_ONCE}`,
        ),
      );
      const ended = await Promise.allSettled(rows.map((row) => remove(row.workspace_id, row.storage_key)));
      const failed = ended.find((one) => one.status === 'rejected');
      if (failed) throw failed.reason;
    },
  };
}
