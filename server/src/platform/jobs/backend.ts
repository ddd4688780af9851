import { createPostgresBackend, Queue, runMigrations, Worker } from 'bullmq';
import type { Job, Processor, QueueOptions, WorkerOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Database } from '../data/index.ts';
import type { Logger } from '../telemetry/log.ts';
import { openRedis } from '../cluster/redis.ts';
import type { RedisNamespace } from '../cluster/redis.ts';

/** What a job carries: the payload, and the id of the request that caused it. */
export type Envelope = { payload: unknown; requestId: string };
export type JobQueue = Pick<
  Queue<Envelope>,
  | 'add'
  | 'upsertJobScheduler'
  | 'getJobScheduler'
  | 'getJobCounts'
  | 'getCountsPerPriority'
  | 'getJobs'
  | 'getJob'
  | 'isPaused'
  | 'pause'
  | 'resume'
  | 'waitUntilReady'
  | 'close'
> & { on(event: 'error', listener: (error: Error) => void): unknown };
export type JobWorker = Pick<Worker<Envelope>, 'waitUntilReady' | 'close'> & {
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** After each attempt that failed; the job has `finishedOn` when it was the last. */
  on(event: 'failed', listener: (job: Job<Envelope> | undefined, error: Error) => void): unknown;
};

/** Where jobs live. Both kinds have the same semantics; see the contract test in jobs.test.ts. */
export type JobsBackend = {
  /** Ready for `queue` and `worker`; prepares the schema where there is one. */
  prepare(): Promise<void>;
  queue(name: string, options: Omit<QueueOptions, 'connection'>): JobQueue;
  /** `workers`: how many this process will run in all, since each holds a connection of its own to be woken by. */
  worker(
    name: string,
    work: Processor<Envelope>,
    options: Omit<WorkerOptions, 'connection'>,
    workers: number,
  ): JobWorker;
  /** Rejects when the jobs cannot be reached. For health. */
  probe(): Promise<unknown>;
  /** Runs `work` while no other process of the installation does, where the library would do it twice. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

/** Names the lock of the schedules; any number nobody else uses. */
const SCHEDULES = 727_003;
const SCHEMA = 'bullmq';

/** Jobs in a schema of their own in the product's database, woken by NOTIFY (also in the embedded one). */
export function postgresJobs(database: Database): JobsBackend {
  const pools: ReturnType<Database['openPool']>[] = [];
  const open = (name: string, max: number) => {
    const pool = database.openPool({ max, searchPath: SCHEMA, name });
    // Every queue listens for the pool's errors; that is no leak.
    pool.setMaxListeners(100);
    pools.push(pool);
    return pool;
  };
  let producers: ReturnType<typeof open> | undefined;
  let consumers: ReturnType<typeof open> | undefined;
  return {
    async prepare() {
      await database.asOwner(async (client) => {
        await runMigrations(client, SCHEMA);
        await client.query(
          `grant usage on schema ${SCHEMA} to parley_app;
           grant select, insert, update, delete on all tables in schema ${SCHEMA} to parley_app;
           grant usage, select on all sequences in schema ${SCHEMA} to parley_app`,
        );
      });
    },
    queue(name, options) {
      producers ??= open('parley jobs', 4);
      return new Queue(name, { ...options, connection: producers }, createPostgresBackend);
    },
    worker(name, work, options, workers) {
      consumers ??= open('parley workers', workers * 2 + 2);
      return new Worker(name, work, { ...options, connection: consumers }, createPostgresBackend);
    },
    // The server is the product's own; only the connections differ.
    probe: async () => (producers ?? database.pool).query('select 1'),
    // Two processes that make a schedule at once would both make its first job.
    alone: (work) => database.oneAtATime(SCHEDULES, work),
    async close() {
      await Promise.all(pools.map((pool) => pool.end()));
    },
  };
}

/** Jobs in Redis. What is lost with it is found again by the sweeper: nothing lives in a job alone. */
export function redisJobs(redis: RedisNamespace, log: Logger): JobsBackend {
  const connections: Redis[] = [];
  const connect = (maxRetriesPerRequest: number | null) => {
    const failed = (error: Error): void => log.debug({ err: error }, 'redis connection');
    const connection = openRedis(redis.url, failed, { maxRetriesPerRequest });
    connections.push(connection);
    return connection;
  };
  let producers: Redis | undefined;
  let consumers: Redis | undefined;
  const prefix = `${redis.prefix}:jobs`;
  return {
    async prepare() {},
    queue(name, options) {
      // An add fails after a few tries, so that a request does not hang; a worker waits for Redis as long as it takes.
      producers ??= connect(5);
      return new Queue(name, { ...options, prefix, connection: producers });
    },
    worker(name, work, options) {
      consumers ??= connect(null);
      return new Worker(name, work, { ...options, prefix, connection: consumers });
    },
    async probe() {
      producers ??= connect(5);
      return producers.ping();
    },
    alone: (work) => work(),
    async close() {
      for (const connection of connections) connection.disconnect();
    },
  };
}

export function chooseJobsBackend(redis: RedisNamespace | undefined, database: Database, log: Logger): JobsBackend {
  return redis ? redisJobs(redis, log) : postgresJobs(database);
}
