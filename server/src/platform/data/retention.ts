import { sql } from 'drizzle-orm';
import type { Store } from './tenant.ts';

// Foreign tables: workspaces. All of them are gone through.

/** Deletes at most `limit` rows of what is older, in one workspace; resolves to how many there were. */
export type RetentionStep = (store: Store, workspaceId: string, before: Date, limit: number) => Promise<number>;

const BATCH = 1_000;

/** Inside each workspace and in batches, so that nothing is locked for long; it may be ended and begun again. */
export async function inEachWorkspace(store: Store, steps: RetentionStep[], before: Date): Promise<void> {
  const { rows } = await store.asSystem((tx) => tx.execute<{ id: string }>(sql`select id from workspaces`));
  let failure: unknown;
  for (const { id } of rows) {
    try {
      for (const step of steps) while ((await step(store, id, before, BATCH)) === BATCH);
    } catch (error) {
      // One whose database is away keeps no other from being seen to.
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
}
