import { totalmem } from 'node:os';
import type { Database } from '../data/index.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Whoever scrapes more often than this gets the last answer again: counting costs the database something. */
const KEPT_MS = 5_000;
/** What takes longer is shown at the next scrape. */
const WAIT_MS = 2_000;

/** A look that keeps nobody waiting for long, is never under way twice, and never fails. */
export function bounded(look: () => Promise<void>, failed: (error: unknown) => void): () => Promise<void> {
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

/** What is looked at when /metrics is asked for: pools and queues. */
export function registerGauges(parts: {
  metrics: Metrics;
  database: Database;
  jobs: Pick<Jobs, 'counts'>;
  log: Logger;
}): void {
  const { metrics, database, jobs, log } = parts;
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

  metrics.beforeRender(
    bounded(async () => {
      for (const [queue, counts] of Object.entries(await jobs.counts()))
        for (const [status, count] of Object.entries(counts))
          if (typeof count === 'number') metrics.queueJobs.set({ queue, status }, count);
    }, failed),
  );
}
