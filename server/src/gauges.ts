import { totalmem } from 'node:os';
import { sql } from 'drizzle-orm';
import type { Database } from './platform/db/index.ts';
import type { Jobs } from './platform/jobs.ts';
import type { Logger } from './platform/log.ts';
import type { Metrics } from './platform/metrics.ts';
import type { Place, Store } from './platform/tenant.ts';

/** Whoever scrapes more often than this gets the last answer again: counting costs the database something. */
const KEPT_MS = 5_000;
/** What takes longer is shown at the next scrape. */
const WAIT_MS = 2_000;

/** A look that keeps nobody waiting for long, is never under way twice, and never fails. */
function bounded(look: () => Promise<void>, failed: (error: unknown) => void): () => Promise<void> {
  let lookedAt = -Infinity;
  let underWay: Promise<void> | undefined;
  return async () => {
    if (!underWay) {
      if (performance.now() - lookedAt < KEPT_MS) return;
      lookedAt = performance.now();
      underWay = look()
        .catch(failed)
        .finally(() => (underWay = undefined));
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, WAIT_MS);
    timer.unref();
    await Promise.race([underWay, promise]);
    clearTimeout(timer);
  };
}

/**
 * When the oldest was made, in seconds, from its id: the next attempt of one whose platform is away always lies ahead, and
 * parley_system reads no other time of it.
 */
const MADE_AT = `('x' || left(replace(min(id::text), '-', ''), 12))::bit(48)::bigint / 1000.0`;

type Waiting = { kind: string; count: string | number; oldest: string | number | null };

/** What is looked at when /metrics is asked for: pools, queues, what waits in the tables. */
export function registerGauges(parts: {
  metrics: Metrics;
  database: Database;
  store: Store;
  jobs: Pick<Jobs, 'counts'>;
  log: Logger;
}): void {
  const { metrics, database, store, jobs, log } = parts;
  const failed = (error: unknown): void => log.debug({ err: error }, 'a metric was not looked at');

  metrics.beforeRender(() => {
    const { totalCount, idleCount, waitingCount, options } = database.pool;
    metrics.databasePool.set(totalCount - idleCount);
    metrics.databasePoolSize.set(options.max);
    metrics.databasePoolWaiting.set(waitingCount);
    // Zero, or a number beyond all sense, where nobody has set a limit.
    metrics.memoryLimit.set(Math.min(process.constrainedMemory() || Infinity, totalmem()));
    for (const { name, pool } of database.pools()) {
      metrics.poolTotal.set({ pool: name }, pool.totalCount);
      metrics.poolIdle.set({ pool: name }, pool.idleCount);
      metrics.poolWaiting.set({ pool: name }, pool.waitingCount);
    }
  });

  metrics.beforeRender(async () => {
    const { values } = await metrics.socketConnections.get();
    metrics.socketsOpen.set(values.reduce((sum, { value }) => sum + value, 0));
  });

  metrics.beforeRender(
    bounded(async () => {
      for (const [queue, counts] of Object.entries(await jobs.counts()))
        for (const [status, count] of Object.entries(counts))
          if (typeof count === 'number') metrics.queueJobs.set({ queue, status }, count);
    }, failed),
  );

  metrics.beforeRender(
    bounded(async () => {
      const waiting = (place: Place) =>
        place.asSystem((tx) =>
          tx.execute<Waiting>(sql`
          select 'events' as kind, count(*) as count, extract(epoch from now() - min(received_at)) as oldest
            from inbound_events where processed_at is null and dead_at is null
          union all
          select 'deliveries', count(*), extract(epoch from now()) - ${sql.raw(MADE_AT)}
            from deliveries where state in ('pending', 'sending')
          union all
          select 'facts', count(*), extract(epoch from now() - min(created_at)) from outbox where relayed_at is null
          union all
          select 'conversations ' || status, count(*), null from conversations where status <> 'resolved' group by status`),
        );
      // Of one that is away nobody knows; the others wait all the same.
      const [shared, ...own] = await Promise.allSettled(store.places().map(waiting));
      if (shared?.status !== 'fulfilled') throw shared?.reason;
      const everywhere = [shared.value, ...own.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))];
      for (const one of own) if (one.status === 'rejected') failed(one.reason);
      metrics.conversationsOpen.reset();
      for (const [kind, rows] of Map.groupBy(
        everywhere.flatMap((found) => found.rows),
        (row) => row.kind,
      )) {
        const count = rows.reduce((sum, row) => sum + Number(row.count), 0);
        const oldest = Math.max(...rows.map((row) => Number(row.oldest ?? 0)));
        const [what, status] = kind.split(' ');
        if (status) metrics.conversationsOpen.set({ status }, count);
        else {
          metrics.backlog.set({ kind: what ?? kind }, count);
          metrics.backlogAge.set({ kind: what ?? kind }, Math.max(0, oldest));
        }
      }
    }, failed),
  );
}
