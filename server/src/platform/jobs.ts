import { UnrecoverableError } from 'bullmq';
import type { Job } from 'bullmq';
import { z } from 'zod';
import type { ZodType } from 'zod';
import type { Database } from './db/index.ts';
import { notFound } from './errors.ts';
import { newId } from './ids.ts';
import { chooseJobsBackend } from './jobs-backend.ts';
import type { Envelope, JobQueue, JobWorker } from './jobs-backend.ts';
import { currentRequestId, runWithContext } from './log.ts';
import type { Logger } from './log.ts';
import { safeErrorMessage } from './redact.ts';
import type { RedisPlace } from './redis.ts';

export type QueueDefinition<P> = {
  name: string;
  schema: ZodType<P>;
  /** Jobs of this queue running at once in this process. */
  concurrency: number;
  /** Runs at most, the first included (default 3). */
  attempts?: number;
  /** The wait before the second run; doubles each time (default 1000: 1 s, 2 s, 4 s). */
  backoffMs?: number;
};

export type AddOptions = {
  /** An id of the caller's choosing. While the queue still knows a job with it, finished ones included, nothing is added. */
  jobId?: string;
  /**
   * At most one waiting job per key. While one waits, another is not added; while one runs, one more is kept and runs
   * after it. So work that became pending during a run is never missed.
   */
  key?: string;
  delayMs?: number;
  /** 1 is first; without one a job goes before all that have one. */
  priority?: number;
};

export type JobContext = { jobId: string; requestId: string; attempt: number };
export type JobHandler<P> = (payload: P, context: JobContext) => Promise<void>;

/** A job that used up its attempts. `error` is the safe message of the last one. */
export type DeadJob = {
  id: string;
  payload: unknown;
  requestId: string;
  attempts: number;
  error: string;
  failedAt: Date | null;
};
export type JobCounts = { waiting: number; active: number; delayed: number; failed: number; completed: number };

/** A defined queue; its methods are those of `Jobs` with the payload's type. */
export type DefinedQueue<P> = {
  name: string;
  add(payload: P, options?: AddOptions): Promise<void>;
  process(handler: JobHandler<P>): void;
};

export type Jobs = {
  /** Names a queue. Once per name, before `start`. */
  define<P>(definition: QueueDefinition<P>): DefinedQueue<P>;
  /** Stores a job; it is durable when this returns. @throws ZodError when the payload does not fit */
  add(name: string, payload: unknown, options?: AddOptions): Promise<void>;
  /** Has this process work on the queue from `start` on. A handler may run twice for one job and must bear it. */
  process(name: string, handler: JobHandler<unknown>): void;
  /** Adds a job every `ms`, one schedule per queue for all processes together; calling again changes it. */
  every(name: string, ms: number, payload?: unknown): Promise<void>;
  counts(): Promise<Record<string, JobCounts>>;
  /** Jobs that failed for good, the latest first. */
  failed(name: string, page?: { offset?: number; limit?: number }): Promise<DeadJob[]>;
  /** Runs a dead job again with fresh attempts. @throws not found, or conflict when it is not dead */
  retry(name: string, jobId: string): Promise<void>;
  start(): Promise<void>;
  /** Takes no more jobs, waits for running ones (at most `drainMs`), closes. What did not finish runs again later. */
  close(): Promise<void>;
};

type Defined = {
  definition: QueueDefinition<unknown>;
  /** Opened on first use. */
  readonly queue: Promise<JobQueue>;
  handler?: JobHandler<unknown>;
};

const KEEP_COMPLETED = { age: 3600, count: 1000 };
const KEEP_FAILED = { age: 30 * 24 * 3600, count: 10_000 };
/** An idle worker looks again this often, in seconds, should a wake-up be lost. */
const IDLE_LOOK_S = 5;

export type JobsOptions = {
  /** Where the jobs are, if there is a Redis; else they are in the database. */
  redis: RedisPlace | undefined;
  database: Database;
  log: Logger;
  /** How long `close` waits for running handlers (default 30 000 ms). */
  drainMs?: number;
};

/** Background work: wake-ups and schedules. What must not be lost lives in the product's tables. */
export function createJobs({ redis, database, log, drainMs = 30_000 }: JobsOptions): Jobs {
  const backend = chooseJobsBackend(redis, database, log);
  const queues = new Map<string, Defined>();
  const opening: Promise<JobQueue>[] = [];
  const workers: JobWorker[] = [];
  let prepared: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  const find = (name: string): Defined => {
    const found = queues.get(name);
    if (!found) throw new Error(`no queue ${name} is defined`);
    return found;
  };

  function define<P>(definition: QueueDefinition<P>): DefinedQueue<P> {
    const { name, schema } = definition;
    if (queues.has(name)) throw new Error(`queue ${name} is defined twice`);
    const open = async () => {
      prepared ??= backend.prepare();
      await prepared;
      const queue = backend.queue(name, {
        defaultJobOptions: {
          attempts: definition.attempts ?? 3,
          backoff: { type: 'exponential', delay: definition.backoffMs ?? 1000 },
          removeOnComplete: KEEP_COMPLETED,
          removeOnFail: KEEP_FAILED,
        },
      });
      queue.on('error', (error) => log.warn({ err: error, queue: name }, 'job queue'));
      await queue.waitUntilReady();
      return queue;
    };
    let queue: Promise<JobQueue> | undefined;
    queues.set(name, {
      definition,
      get queue() {
        if (closing) throw new Error('the jobs are closed');
        if (!queue) opening.push((queue = open()));
        return queue;
      },
    });
    return {
      name,
      add: (payload, options) => add(name, payload, options),
      process: (handler) => process(name, async (payload, context) => handler(schema.parse(payload), context)),
    };
  }

  async function add(name: string, payload: unknown, options: AddOptions = {}): Promise<void> {
    const { definition, queue } = find(name);
    const data: Envelope = { payload: definition.schema.parse(payload), requestId: currentRequestId() ?? newId() };
    await (
      await queue
    ).add(name, data, {
      // Its own counter would make the queue create a sequence, which parley_app may not.
      jobId: options.jobId ?? newId(),
      deduplication: options.key ? { id: options.key, keepLastIfActive: true } : undefined,
      delay: options.delayMs,
      priority: options.priority,
    });
  }

  function process(name: string, handler: JobHandler<unknown>): void {
    const found = find(name);
    if (found.handler) throw new Error(`queue ${name} is processed twice`);
    found.handler = handler;
  }

  async function run({ definition, handler }: Defined, job: Job<Envelope>): Promise<void> {
    const envelope = envelopeSchema.safeParse(job.data);
    const payload = definition.schema.safeParse(envelope.data?.payload);
    if (!envelope.success || !payload.success) {
      // It will not fit on the second run either.
      const problem = envelope.error ?? payload.error;
      throw new UnrecoverableError(`the payload does not fit${problem ? `: ${z.prettifyError(problem)}` : ''}`);
    }
    const { requestId } = envelope.data;
    const context = { jobId: job.id ?? '', requestId, attempt: job.attemptsMade + 1 };
    await runWithContext({ requestId }, async () => {
      try {
        await handler?.(payload.data, context);
      } catch (error) {
        const failure = error instanceof Error ? error : new Error(String(error));
        log.warn({ err: failure, queue: definition.name, jobId: job.id, attempt: context.attempt }, 'job failed');
        // The queue keeps the message for people to read, so it keeps the safe one.
        throw new Error(safeErrorMessage(failure), { cause: error });
      }
    });
  }

  async function stop(): Promise<void> {
    const drained = Promise.all(workers.map((worker) => worker.close()));
    if (!(await inTime(drained, drainMs))) log.warn('closing over running jobs; they will run again');
    for (const queue of await Promise.allSettled(opening)) if (queue.status === 'fulfilled') await queue.value.close();
    // A worker that did not finish still holds its connection; the end of the process takes it.
    await inTime(backend.close(), 2000);
  }

  const defined = () => [...queues.values()];

  return {
    define,
    add,
    process,
    async every(name, ms, payload = {}) {
      const { definition, queue } = find(name);
      const data: Envelope = { payload: definition.schema.parse(payload), requestId: `schedule:${name}` };
      await (await queue).upsertJobScheduler(name, { every: ms }, { name, data });
    },
    async counts() {
      const types = ['waiting', 'prioritized', 'active', 'delayed', 'failed', 'completed'] as const;
      const entries = defined().map(async ({ definition, queue }) => {
        const found = await (await queue).getJobCounts(...types);
        const count = (type: string) => found[type] ?? 0;
        const counts: JobCounts = {
          waiting: count('waiting') + count('prioritized'),
          active: count('active'),
          delayed: count('delayed'),
          failed: count('failed'),
          completed: count('completed'),
        };
        return [definition.name, counts] as const;
      });
      return Object.fromEntries(await Promise.all(entries));
    },
    async failed(name, { offset = 0, limit = 50 } = {}) {
      const jobs = await (await find(name).queue).getFailed(offset, offset + limit - 1);
      return jobs.map((job) => ({
        id: job.id ?? '',
        payload: job.data.payload,
        requestId: job.data.requestId,
        attempts: job.attemptsMade,
        error: job.failedReason ?? '',
        failedAt: job.finishedOn ? new Date(job.finishedOn) : null,
      }));
    },
    async retry(name, jobId) {
      const job = await (await find(name).queue).getJob(jobId);
      if (!job || !(await job.isFailed())) throw notFound('failed job');
      await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
    },
    async start() {
      const worked = defined().filter(({ handler }) => handler);
      await Promise.all(defined().map(({ queue }) => queue));
      for (const one of worked) {
        const { name, concurrency } = one.definition;
        const options = { concurrency, drainDelay: IDLE_LOOK_S };
        const worker = backend.worker(name, (job) => run(one, job), options, worked.length);
        worker.on('error', (error) => log.warn({ err: error, queue: name }, 'job worker'));
        workers.push(worker);
      }
      await Promise.all(workers.map((worker) => worker.waitUntilReady()));
    },
    close: () => (closing ??= stop()),
  };
}

const envelopeSchema = z.object({ payload: z.unknown(), requestId: z.string() });

/** Whether `work` is done within the time. Its failure is a failure here. */
async function inTime(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  try {
    return await Promise.race([work.then(() => true), promise]);
  } finally {
    clearTimeout(timer);
  }
}
