import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Config } from '../config/config.ts';
import type { Database } from './index.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** `behind`: it answers, but did not have what the last read needed. `down` also for one that is no replica of ours. */
export type ReplicaState = 'up' | 'behind' | 'down';
export type ReplicaReport = { name: string; state: ReplicaState; lagBytes: number | null; lagSeconds: number | null };

export type Replicas = {
  /**
   * Runs `work` on a replica that has everything that was committed before this call, whoever committed it, so that
   * everybody reads what they wrote. On the primary when no replica has it, or when one fails: nothing fails for it.
   */
  read<T>(work: (pool: Pool) => Promise<T>, onPrimary: () => Promise<T>): Promise<T>;
  report(): ReplicaReport[];
  start(): void;
  close(): void;
};

type Replica = {
  name: string;
  pool: Pool;
  /** Another pool: what was connected when it went down may be dead without knowing it. */
  open: () => Pool;
  state: ReplicaState;
  /** as far as it is known to have come */
  replayed: bigint;
  /** not asked again before this moment, on the clock of `performance.now` */
  restsUntil: number;
  failures: number;
  lagBytes: number | null;
  lagSeconds: number | null;
  /** rejects when the replica goes down, for the reads that are under way on it */
  end: PromiseWithResolvers<never>;
};

/** Waits in turn for a replica to catch up, in milliseconds: together far less than a heavy read takes. */
const CATCH_UP_MS = [2, 4, 8, 16, 32];
/** One that did not catch up is left alone for this long. */
const BEHIND_MS = 500;
/** A replica that does not even answer this is not waited for. */
const ANSWER_MS = 1_000;
const LOOK_EVERY_MS = 2_000;
const DOWN_MS = 10_000;

/** What is flushed is what a commit that was answered waited for; without waiting commits, what is written at all. */
const POSITION = `select (case when current_setting('synchronous_commit') = 'off'
  then pg_current_wal_insert_lsn() else pg_current_wal_flush_lsn() end)::text as position,
  (select system_identifier from pg_control_system())::text as system`;
/** A server that was made a primary answers nothing: it has a history of its own from then on. */
const REPLAYED = `select (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() end)::text as position,
  extract(epoch from now() - pg_last_xact_replay_timestamp())::float8 as age,
  (select system_identifier from pg_control_system())::text as system`;

type Position = { position: string | null; system: string; age?: number | null };

/** "16/B374D848" as a number. */
const toNumber = (position: string): bigint => {
  const [high = '0', low = '0'] = position.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
};

/** What a server says when it ends or refuses a connection, is starting, has no room, or drops a read to keep up. */
const OF_THE_REPLICA = /^(08|53|57P|58|XX|40001|40P01)/;
const OF_THE_NETWORK =
  /ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|connection (terminated|ended|timeout)|timeout exceeded|read timeout|not queryable/i;

/** Whether the primary might do better: the fault is of the replica or of the way to it, not of the statement. */
function isOfTheReplica(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (OF_THE_REPLICA.test(code) || OF_THE_NETWORK.test(`${code} ${error.message}`)) return true;
  return isOfTheReplica(error.cause);
}

function newEnd(): PromiseWithResolvers<never> {
  const end = Promise.withResolvers<never>();
  // Often nobody reads there.
  end.promise.catch(() => undefined);
  return end;
}

/** Connections to each replica, when nothing else is set. */
const POOL = 10;
/** A statement it says nothing about for so long has failed, in milliseconds: longer than statements may take. */
const SILENT_MS = 35_000;

/** The replica at an address of the configuration. */
export const replicaAt = (database: Database, config: Pick<Config, 'database'>, address: string, number: number) => {
  const name = `replica ${number}`;
  const max = config.database.pool ?? POOL;
  const options = { name: `parley ${name}`, max, searchPath: 'public', address };
  return { name, open: () => database.openPool({ ...options, connectMs: ANSWER_MS, answerMs: SILENT_MS }) };
};

/** The first row. A server that says nothing for a second loses its connection. */
async function ask(pool: Pool, text: string): Promise<Position> {
  const client: PoolClient = await pool.connect();
  let late: Error | undefined;
  const timer = setTimeout(() => {
    late = new Error('connection timeout: a replica did not answer');
    // Ends the socket, which rejects the query below.
    client.release(late);
  }, ANSWER_MS);
  try {
    const { rows } = await client.query<Position>(text);
    if (!rows[0]) throw new Error('a server did not say how far it is');
    return rows[0];
  } catch (error) {
    throw late ?? error;
  } finally {
    clearTimeout(timer);
    if (!late) client.release();
  }
}

/**
 * Reads from streaming replicas. Before a read, the primary says how far it is (one small statement for all reads of a
 * moment), and a replica has to have come as far; that holds over any number of processes, which share nothing for it.
 */
export function createReplicas(parts: {
  primary: Pool;
  /** `open` makes a pool of connections to it; called again after each time it was down */
  replicas: { name: string; open: () => Pool }[];
  log: Logger;
  metrics: Pick<Metrics, 'replicaLag' | 'replicaUp' | 'heavyReads'>;
}): Replicas {
  const { primary, log, metrics } = parts;
  const replicas = parts.replicas.map(({ name, open }): Replica => ({
    name,
    open,
    pool: open(),
    state: 'down',
    replayed: -1n,
    restsUntil: Infinity,
    failures: 0,
    lagBytes: null,
    lagSeconds: null,
    end: newEnd(),
  }));
  let next = 0;
  let timer: NodeJS.Timeout | undefined;
  let asking: Promise<{ position: bigint; system: string }> | undefined;

  function become(replica: Replica, state: ReplicaState, error?: unknown): void {
    if (replica.state === state) return;
    const isNews = replica.state === 'down' || state === 'down';
    replica.state = state;
    metrics.replicaUp.set({ replica: replica.name }, state === 'down' ? 0 : 1);
    if (isNews) log[state === 'down' ? 'warn' : 'info']({ replica: replica.name, err: error }, `a replica is ${state}`);
  }

  function failed(replica: Replica, error: unknown): void {
    replica.failures += 1;
    replica.restsUntil = performance.now() + Math.min(DOWN_MS, LOOK_EVERY_MS * 2 ** (replica.failures - 1));
    replica.lagBytes = null;
    replica.lagSeconds = null;
    replica.pool.end().catch((failure: unknown) => log.debug({ err: failure }, 'connections to a replica did not end'));
    replica.pool = replica.open();
    become(replica, 'down', error);
    replica.end.reject(new Error('connection ended: the replica is down', { cause: error }));
    replica.end = newEnd();
  }

  /** Those who ask in the same moment share an answer that was asked for after all of them. */
  function whereThePrimaryIs(): Promise<{ position: bigint; system: string }> {
    asking ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        asking = undefined;
        primary
          .query<Position>(POSITION)
          .then(
            ({ rows }) => resolve({ position: toNumber(rows[0]?.position ?? '0/0'), system: rows[0]?.system ?? '' }),
            reject,
          );
      });
    });
    return asking;
  }

  async function update(replica: Replica, wanted: { position: bigint; system: string }): Promise<void> {
    const { position, system, age } = await ask(replica.pool, REPLAYED);
    if (position === null || system !== wanted.system) throw new Error('it is no replica of DATABASE_URL');
    replica.replayed = toNumber(position);
    const lag = wanted.position - replica.replayed;
    replica.lagBytes = lag > 0n ? Number(lag) : 0;
    replica.lagSeconds = lag > 0n ? Math.max(0, age ?? 0) : 0;
    metrics.replicaLag.set({ replica: replica.name }, replica.lagBytes);
  }

  async function hasComeTo(replica: Replica, wanted: { position: bigint; system: string }): Promise<boolean> {
    if (replica.replayed >= wanted.position) return true;
    for (const wait of [0, ...CATCH_UP_MS]) {
      if (wait > 0) await sleep(wait);
      await update(replica, wanted);
      if (replica.replayed >= wanted.position) return true;
    }
    replica.restsUntil = performance.now() + BEHIND_MS;
    become(replica, 'behind');
    return false;
  }

  /** One after the other among those that are fit. */
  function choose(): Replica | undefined {
    const now = performance.now();
    const fit = replicas.filter((replica) => replica.state !== 'down' && replica.restsUntil <= now);
    next += 1;
    return fit[next % fit.length];
  }

  async function look(): Promise<void> {
    const due = replicas.filter(({ state, restsUntil }) => state !== 'down' || performance.now() >= restsUntil);
    if (due.length === 0) return;
    const wanted = await whereThePrimaryIs();
    await Promise.all(
      due.map(async (replica) => {
        try {
          await update(replica, wanted);
          replica.failures = 0;
          if (replica.state === 'down') replica.restsUntil = 0;
          become(replica, 'up');
        } catch (error) {
          failed(replica, error);
        }
      }),
    );
  }
  /** The primary's own trouble is told by whoever needs it. */
  const lookAgain = (): void =>
    void look().catch((error: unknown) => log.debug({ err: error }, 'replicas not looked at'));

  return {
    async read(work, onPrimary) {
      const replica = choose();
      if (!replica) {
        metrics.heavyReads.inc({ from: 'primary' });
        return onPrimary();
      }
      const wanted = await whereThePrimaryIs();
      try {
        if (await hasComeTo(replica, wanted)) {
          const { promise: end } = replica.end;
          const result = await Promise.race([work(replica.pool), end]);
          metrics.heavyReads.inc({ from: 'replica' });
          if (replica.state === 'behind') become(replica, 'up');
          return result;
        }
      } catch (error) {
        if (!isOfTheReplica(error) && !/no replica of/.test(String(error))) throw error;
        // A read it dropped to keep up with the primary says nothing about its health.
        if (!/\b(40001|40P01)\b/.test(codeOf(error))) failed(replica, error);
      }
      metrics.heavyReads.inc({ from: 'primary' });
      return onPrimary();
    },
    report: () => replicas.map(({ name, state, lagBytes, lagSeconds }) => ({ name, state, lagBytes, lagSeconds })),
    start: () => {
      if (timer || replicas.length === 0) return;
      for (const replica of replicas) replica.restsUntil = 0;
      timer = setInterval(lookAgain, LOOK_EVERY_MS).unref();
      lookAgain();
    },
    close: () => clearInterval(timer),
  };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return codeOf(error.cause);
}
