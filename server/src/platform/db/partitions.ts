import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Database } from './index.ts';

/** For how many whole months a table's rows are kept besides the current one; 0: for ever. */
export type Retention = Record<'messages' | 'inbound_events' | 'traces', number>;

const EVERY_MS = 6 * 3_600_000;
/** A look that failed, usually because a table was busy, is repeated soon: the months ahead leave time for many. */
const AFTER_FAILURE_MS = 10 * 60_000;
/** What is retired can be attached again for this long. */
const GRACE_DAYS = 7;

type Parts = {
  database: Database;
  log: Logger;
  metrics: Metrics;
  /** Undefined: this process makes partitions and leaves retiring them to others. */
  retention: Retention | undefined;
  /** Told after a look which month is the oldest one whose messages are kept; never when they are kept for ever. */
  forget?: (before: Date) => Promise<void>;
};

/**
 * Sees to the partitions of the tables that are kept by month (0003_partitions.sql): makes the coming ones, moves rows out
 * of the safety net, retires and drops what is past its time. Every process does, at its start and four times a day; a
 * lock in the database makes that harmless.
 */
export function createPartitionKeeper({ database, log, metrics, retention, forget }: Parts) {
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> = Promise.resolve();
  let closed = false;

  /** One transaction as the owner, that waits for nobody's lock for long, so that nobody queues behind it for long. */
  function names(statement: string, values: unknown[]): Promise<string[]> {
    return database.asOwner(async (client) => {
      await client.query("begin; set local lock_timeout = '2s'");
      try {
        const { rows } = await client.query<{ name: string }>(`select ${statement} as name`, values);
        await client.query('commit');
        return rows.map((row) => row.name);
      } catch (error) {
        await client.query('rollback');
        throw error;
      }
    });
  }

  async function measure(): Promise<void> {
    await database.asOwner(async (client) => {
      const { rows } = await client.query<{ parent: string; partitions: number }>(`
        select p.relname as parent, count(*)::int - 1 as partitions from pg_partitioned_table t
        join pg_class p on p.oid = t.partrelid join pg_inherits i on i.inhparent = p.oid
        where p.relnamespace = current_schema()::regnamespace group by 1`);
      for (const { parent, partitions } of rows) {
        metrics.partitions.set({ table: parent }, partitions);
        const { rows: strays } = await client.query<{ n: number }>(`select count(*)::int as n from ${parent}_default`);
        const stray = strays[0]?.n ?? 0;
        metrics.partitionDefaultRows.set({ table: parent }, stray);
        if (stray > 0) log.warn({ table: parent, rows: stray }, 'rows belong to no month: was a clock wrong?');
      }
    });
  }

  /** @param today the date it is taken for, instead of the database's own */
  async function look(today?: Date): Promise<{ made: string[]; retired: string[]; dropped: string[] }> {
    const date = today?.toISOString().slice(0, 10) ?? null;
    const day = `coalesce($1::date, (now() at time zone 'UTC')::date)`;
    const made = await names(`make_partitions(today => ${day})`, [date]);
    const retired: string[] = [];
    const dropped: string[] = [];
    for (const [table, months] of Object.entries(retention ?? {})) {
      if (months === 0) continue;
      const call = `retire_partitions($2, $3, today => ${day})`;
      retired.push(...(await names(call, [date, table, months])));
    }
    if (retention) {
      dropped.push(...(await names('drop_retired(make_interval(days => $1))', [GRACE_DAYS])));
      metrics.partitionsDropped.inc(dropped.length);
      if (retention.messages > 0) await forget?.(oldestKept(today ?? new Date(), retention.messages));
    }
    if (made.length + retired.length + dropped.length > 0) log.info({ made, retired, dropped }, 'partitions by month');
    await measure();
    return { made, retired, dropped };
  }

  async function lookLater(delayMs: number): Promise<void> {
    if (closed) return;
    timer = setTimeout(() => void (current = lookNow()), delayMs);
    timer.unref();
  }

  /** Nothing of the product waits for it: a month that is not there yet has the safety net. */
  async function lookNow(): Promise<void> {
    try {
      await look();
      void lookLater(EVERY_MS);
    } catch (error) {
      log.warn({ err: error }, 'the partitions were not seen to; they will be in ten minutes');
      void lookLater(AFTER_FAILURE_MS);
    }
  }

  return {
    look,
    start: (): Promise<void> => (current = lookNow()),
    async close(): Promise<void> {
      closed = true;
      clearTimeout(timer);
      await current;
    },
  };
}

/** The first moment that is kept, in UTC. */
const oldestKept = (today: Date, months: number): Date =>
  new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - months, 1));
