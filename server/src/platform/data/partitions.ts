import { escapeIdentifier } from 'pg';
import type { Client } from 'pg';
import { realClock } from '../clock/clock.ts';
import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Database } from './index.ts';

/** Table → for how many whole months its rows are kept besides the current one; 0: for ever. */
type Retention = Readonly<Record<string, number>>;

const EVERY_MS = 6 * 3_600_000;
/** A look that failed, usually because a table was busy, is repeated soon: the months ahead leave time for many. */
const AFTER_FAILURE_MS = 10 * 60_000;
/** What is retired can be attached again for this long. */
const GRACE_DAYS = 7;

type Parts = {
  database: Database;
  log: Logger;
  metrics: Metrics;
  /** By it months begin and end (default: the time of this machine). */
  clock?: Clock;
  /** Those that are kept by month. */
  tables: readonly string[];
  /** Undefined: this process makes partitions and leaves retiring them to others. */
  retention: Retention | undefined;
  /** Addresses of databases of workspaces' own, by workspace. */
  elsewhere?: () => Map<string, string>;
  /** Told after a look from when on a table's rows are kept; never when they are kept for ever. */
  deleteExpired?: (table: string, before: Date) => Promise<void>;
};

/** What was done, by the names of the partitions. */
export type Looked = { made: string[]; retired: string[]; dropped: string[] };

/**
 * Sees to the partitions of the tables that are kept by month (0003_partitions.sql): makes the coming ones, moves rows out
 * of the safety net, retires and drops what is past its time. In every schema of the database that has the tables: the
 * product's own, those of workspaces with a schema of their own, and those of workspaces with a database of their own. Every process does, at its start and four times a
 * day; a lock in the database makes that harmless.
 */
export function createPartitionKeeper(parts: Parts) {
  const { database, log, metrics, clock = realClock, tables, retention, deleteExpired, elsewhere } = parts;
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> = Promise.resolve();
  let closed = false;

  /** @param today the date it is taken for */
  async function look(today = clock.now()): Promise<Looked> {
    const date = today.toISOString().slice(0, 10);
    const total: Looked = { made: [], retired: [], dropped: [] };
    const found = Object.fromEntries(tables.map((table) => [table, { partitions: 0, strays: 0 }]));

    async function lookInto(client: Client): Promise<void> {
      const { rows: places } = await client.query<Found>(PLACES, [tables]);
      for (const { place, tables: there } of places) {
        const done = await seeTo(client, { place, tables: there }, date, retention);
        for (const key of ['made', 'retired', 'dropped'] as const) total[key].push(...done[key]);
        for (const table of there) {
          const counts = await count(client, place, table);
          const sum = found[table];
          if (!sum) continue;
          sum.partitions += counts.partitions;
          sum.strays += counts.strays;
        }
      }
    }
    await database.asOwner(lookInto);
    // One that is away keeps nobody else's months back.
    const away: unknown[] = [];
    for (const [workspaceId, address] of elsewhere?.() ?? []) {
      try {
        await database.asOwner(lookInto, address);
      } catch (error) {
        log.warn({ err: error, workspaceId }, 'the partitions of a database of its own were not seen to');
        away.push(error);
      }
    }
    for (const [table, { partitions, strays }] of Object.entries(found)) {
      metrics.partitions.set({ table }, partitions);
      metrics.partitionDefaultRows.set({ table }, strays);
      if (strays > 0) log.warn({ table, rows: strays }, 'rows belong to no month: was a clock wrong?');
    }
    metrics.partitionsDropped.inc(total.dropped.length);
    if (total.made.length + total.retired.length + total.dropped.length > 0) log.info(total, 'partitions by month');
    for (const [table, months] of Object.entries(retention ?? {}))
      if (months > 0) await deleteExpired?.(table, oldestKept(today, months));
    if (away.length > 0) throw new AggregateError(away, 'some databases could not be looked at');
    return total;
  }

  function lookLater(delayMs: number): void {
    if (closed) return;
    timer = setTimeout(() => void (current = lookNow()), delayMs);
    timer.unref();
  }

  /** Nothing of the product waits for it: a month that is not there yet has the safety net. */
  async function lookNow(): Promise<void> {
    try {
      await look();
      lookLater(EVERY_MS);
    } catch (error) {
      log.warn({ err: error }, 'the partitions were not seen to; they will be in ten minutes');
      lookLater(AFTER_FAILURE_MS);
    }
  }

  return {
    look,
    start: (): Promise<void> => (current = lookNow()),
    /** After the one under way, instead of in some hours. */
    lookAgain(): Promise<void> {
      return (current = current.then(() => {
        clearTimeout(timer);
        return closed ? undefined : lookNow();
      }));
    },
    async close(): Promise<void> {
      closed = true;
      clearTimeout(timer);
      await current;
    },
  };
}

/** A schema, and which of the tables are in it. */
type Found = { place: string; tables: string[] };
const PLACES = `
  select n.nspname as place, array_agg(c.relname::text order by c.relname) as tables
  from pg_partitioned_table t join pg_class c on c.oid = t.partrelid
  join pg_namespace n on n.oid = c.relnamespace where c.relname = any($1) group by 1 order by 1`;

async function count(client: Client, place: string, table: string): Promise<{ partitions: number; strays: number }> {
  const inPlace = `${escapeIdentifier(place)}.`;
  const { rows } = await client.query<{ partitions: number; strays: number }>(
    `select (select count(*)::int - 1 from pg_inherits where inhparent = '${inPlace}${table}'::regclass) as partitions,
       (select count(*)::int from ${inPlace}${table}_default) as strays`,
  );
  return rows[0] ?? { partitions: 0, strays: 0 };
}

async function seeTo(
  client: Client,
  { place, tables }: Found,
  date: string,
  retention: Retention | undefined,
): Promise<Looked> {
  const made = await names(client, 'make_partitions(place => $1, today => $2::date)', [place, date]);
  const retired: string[] = [];
  for (const table of retention ? tables : []) {
    const months = retention?.[table] ?? 0;
    if (months === 0) continue;
    const call = 'retire_partitions($3, $4, place => $1, today => $2::date)';
    retired.push(...(await names(client, call, [place, date, table, months])));
  }
  const dropped = retention
    ? await names(client, 'drop_retired(make_interval(days => $2), $1)', [place, GRACE_DAYS])
    : [];
  return { made, retired, dropped };
}

/** One transaction, that waits for nobody's lock for long, so that nobody queues behind it for long. */
async function names(client: Client, call: string, values: unknown[]): Promise<string[]> {
  await client.query("begin; set local lock_timeout = '2s'");
  try {
    const { rows } = await client.query<{ name: string }>(`select ${call} as name`, values);
    await client.query('commit');
    return rows.map((row) => row.name);
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/** The first moment that is kept, in UTC. */
const oldestKept = (today: Date, months: number): Date =>
  new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - months, 1));
