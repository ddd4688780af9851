import { sql } from 'drizzle-orm';
import { bounded } from '../platform/telemetry/gauges.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { turnMetrics } from './metrics.ts';
import type { Place, Store } from '../platform/data/tenant.ts';

// Foreign tables: conversations, outbox. They are counted, in one statement.
// Real time (4): how long the machinery lets wait.

/**
 * When the oldest was made, in seconds, from its id: the next attempt of one whose platform is away always lies ahead, and
 * parley_system reads no other time of it.
 */
const MADE_AT = `('x' || left(replace(min(id::text), '-', ''), 12))::bit(48)::bigint / 1000.0`;

type Waiting = { kind: string; count: string | number; oldest: string | number | null };

/** What waits in the tables, looked at when /metrics is asked for. */
export function registerBacklogGauges(deps: { metrics: Metrics; store: Store; log: Logger }): void {
  const { metrics, store, log } = deps;
  const failed = (error: unknown): void => log.debug({ err: error }, 'a metric was not looked at');

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
      // What waits in one that is away is not known; the others wait all the same.
      const [shared, ...own] = await Promise.allSettled(store.places().map(waiting));
      if (shared?.status !== 'fulfilled') throw shared?.reason;
      const everywhere = [shared.value, ...own.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))];
      for (const one of own) if (one.status === 'rejected') failed(one.reason);
      metrics.of(turnMetrics).conversationsOpen.reset();
      for (const [kind, rows] of Map.groupBy(
        everywhere.flatMap((found) => found.rows),
        (row) => row.kind,
      )) {
        const count = rows.reduce((sum, row) => sum + Number(row.count), 0);
        const oldest = Math.max(...rows.map((row) => Number(row.oldest ?? 0)));
        const [what, status] = kind.split(' ');
        if (status) metrics.of(turnMetrics).conversationsOpen.set({ status }, count);
        else {
          metrics.of(turnMetrics).backlog.set({ kind: what ?? kind }, count);
          metrics.of(turnMetrics).backlogAge.set({ kind: what ?? kind }, Math.max(0, oldest));
        }
      }
    }, failed),
  );
}

/** Fewer events that wait say little: one conversation with trouble of its own is no backlog. */
const BACKLOG_FROM = 50;
const SAMPLE = 5_000;

/** How long events wait for a worker, in seconds: the middle one, so that a few that are stuck do not stand for all. */
export const backlogSeconds = (store: Store) => async (): Promise<number> => {
  const { rows } = await store.asSystem((tx) =>
    tx.execute<{ seconds: number }>(sql`
      select (case when count(*) < ${BACKLOG_FROM} then 0
        else extract(epoch from now() - percentile_disc(0.5) within group (order by received_at)) end)::float8 as seconds
      from (select received_at from inbound_events where processed_at is null and dead_at is null limit ${SAMPLE}) e`),
  );
  return rows[0]?.seconds ?? 0;
};
