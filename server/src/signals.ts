import { sql } from 'drizzle-orm';
import type { Config } from './platform/config.ts';
import type { Database } from './platform/db/index.ts';
import {
  backlogSignal,
  databaseSignal,
  eventLoopSignal,
  heapSignal,
  memorySignal,
} from './platform/pressure-signals.ts';
import type { Signal } from './platform/pressure.ts';
import type { Store } from './platform/tenant.ts';

/** Fewer events that wait say little: one conversation with trouble of its own is no backlog. */
const BACKLOG_FROM = 50;
const LOOKED_AT = 5_000;
/** Everybody waits for one large write of the embedded database: for seconds that is slow, and no line that grows. */
const ONE_SESSION = [5_000, 10_000, 15_000, 20_000] as const;

/** How long events wait for a worker, in seconds: the middle one, so that a few that are stuck do not speak for all. */
const lag = (store: Store) => async (): Promise<number> => {
  const { rows } = await store.asSystem((tx) =>
    tx.execute<{ seconds: number }>(sql`
      select (case when count(*) < ${BACKLOG_FROM} then 0
        else extract(epoch from now() - percentile_disc(0.5) within group (order by received_at)) end)::float8 as seconds
      from (select received_at from inbound_events where processed_at is null and dead_at is null limit ${LOOKED_AT}) e`),
  );
  return rows[0]?.seconds ?? 0;
};

/** What this process measures its pressure by. A worker refuses nobody; it shows the same figures. */
export function signalsOf(parts: { config: Config; database: Database; store: Store }): Signal[] {
  const { config, database, store } = parts;
  const stand = async (): Promise<void> => (await database.pool.connect()).release();
  return [
    eventLoopSignal(),
    heapSignal(),
    memorySignal(),
    databaseSignal(stand, database.kind === 'embedded' ? ONE_SESSION : undefined),
    ...(config.roles.api ? [backlogSignal(lag(store))] : []),
  ];
}
