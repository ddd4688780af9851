import { sql } from 'drizzle-orm';
import type { TargetReport } from '../../platform/outbound/breaker.ts';
import { isOperator } from '../../platform/http/index.ts';
import type { Http, SignedIn } from '../../platform/http/index.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { ownTargets } from '../webhooks/queries.ts';

// Foreign tables: deliveries, inbound_events, sources, webhook_deliveries. They are counted, in one statement.

/**
 * What a desk sees of the installation's health: its operator everything (decision 16), others which parts work, and of
 * single services and waiting work what belongs to their workspace.
 */
export function createHealthCheck(parts: {
  store: Store;
  health: Http['health'];
  jobs: Pick<Jobs, 'counts'>;
  targets: () => Record<string, TargetReport>;
}) {
  const { store, health, jobs } = parts;
  return async function check(signedIn: SignedIn & { workspaceId: string }): Promise<unknown> {
    if (isOperator(signedIn)) return { ...(await health.whole()), jobs: await jobs.counts() };
    const [summary, own] = await Promise.all([
      health.summary(),
      store.inWorkspace(signedIn.workspaceId, async (tx) => ({
        targets: await ownTargets(tx, parts.targets()),
        waiting: (
          await tx.execute<{ events: number; deliveries: number; webhooks: number; sources: number }>(sql`
            select (select count(*)::int from inbound_events where processed_at is null and dead_at is null) as events,
              (select count(*)::int from deliveries where state in ('pending', 'sending')) as deliveries,
              (select count(*)::int from webhook_deliveries where state = 'pending') as webhooks,
              (select count(*)::int from sources where status in ('pending', 'processing')) as sources`)
        ).rows[0],
      })),
    ]);
    return { ...summary, ...own };
  };
}
