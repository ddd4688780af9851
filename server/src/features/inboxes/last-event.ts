import { sql } from 'drizzle-orm';
import { createCache } from '../../platform/limits/cache.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import type { Store } from '../../platform/data/tenant.ts';

/**
 * Remembers when an inbox last took something in, so that its owner sees that it works. People look at it and nothing
 * rests on it, so one write in ten seconds per inbox is enough, after the event is stored and never in its way.
 */
export function createLastEvent({ store, log }: { store: Store; log: Logger }) {
  const fresh = createCache<true>({ max: 10_000, ttlMs: 10_000 });

  return function note({ id, workspaceId }: { id: string; workspaceId: string }): void {
    if (fresh.get(id)) return;
    fresh.set(id, true);
    store
      .once(workspaceId, sql`update inboxes set last_event_at = ${store.clock.now()} where id = ${id}::uuid`)
      .catch((error: unknown) => log.warn({ err: error, inboxId: id }, 'the last event was not noted'));
  };
}
