import { sql } from 'drizzle-orm';
import type { Store } from '../platform/data/tenant.ts';

// Real time: how long the machinery lets wait.

/** Fewer events that wait say little: one conversation with trouble of its own is no backlog. */
const BACKLOG_FROM = 50;
const LOOKED_AT = 5_000;

/** How long events wait for a worker, in seconds: the middle one, so that a few that are stuck do not speak for all. */
export const lag = (store: Store) => async (): Promise<number> => {
  const { rows } = await store.asSystem((tx) =>
    tx.execute<{ seconds: number }>(sql`
      select (case when count(*) < ${BACKLOG_FROM} then 0
        else extract(epoch from now() - percentile_disc(0.5) within group (order by received_at)) end)::float8 as seconds
      from (select received_at from inbound_events where processed_at is null and dead_at is null limit ${LOOKED_AT}) e`),
  );
  return rows[0]?.seconds ?? 0;
};
