import { UnrecoverableError } from 'bullmq';
import type { Job } from 'bullmq';
import { z } from 'zod';
import type { Database } from '../data/index.ts';
import { notFound } from '../errors.ts';
import { newId } from '../data/ids.ts';
import { chooseJobsBackend } from './backend.ts';
import type { Envelope, JobQueue, JobWorker } from './backend.ts';
import { putOff } from './put-off.ts';
import { createSchedules } from './schedule.ts';
import { ATTEMPTS, countJobs, readDead, readState, retryAllDead, retryDead } from './state.ts';
import { PermanentError } from './types.ts';
import type { AddOptions, DeadListener, DefinedQueue, JobHandler, Jobs, QueueDefinition } from './types.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { isConnectionLoss } from '../telemetry/outage.ts';
import { safeErrorMessage } from '../telemetry/redact.ts';
import type { RedisNamespace } from '../cluster/redis.ts';
import { triesOf } from '../data/statement-limits.ts';
import { carried, enter, noTracing, readCarried } from '../telemetry/tracing.ts';
import type { Tracing } from '../telemetry/tracing.ts';

export type * from './types.ts';

type Defined = {
  definition: QueueDefinition<unknown>;
  /** Opened on first use. */
  readonly queue: Promise<JobQueue>;
  handler?: JobHandler<unknown>;
  dead?: DeadListener<unknown> | undefined;
};

const KEEP_COMPLETED = { age: 3600, count: 1000 };
const KEEP_FAILED = { age: 30 * 24 * 3600, count: 10_000 };
/** An idle worker looks again this often, in seconds, should a wake-up be lost. */
const IDLE_LOOK_S = 5;
/** A fifth of each wait is chance, so that what failed together does not come back together. */
const JITTER = 0.2;
/**
 * A process that says nothing of a running job for so long is taken for dead, and another one runs it: with the look in
 * between within ten seconds. A handler that holds the event loop longer than this may run twice.
 */
const LOCK_MS = 6_000;
const LOOK_FOR_DEAD_MS = 2_000;
/** A job whose process died this often and once more is no accident: it counts as dead. */
const DEATHS_BORNE = 2;

export type JobsOptions = {
  /** Where the jobs are, if there is a Redis; else they are in the database. */
  redis: RedisNamespace | undefined;
  database: Database;
  log: Logger;
  metrics?: Pick<Metrics, 'jobWait' | 'jobDuration'> | undefined;
  tracing?: Tracing | undefined;
  /** How long `close` waits for running handlers (default 30 000 ms). */
  drainMs?: number;
  /** How often lost schedules are looked for (default 30 000 ms). */
  lookMs?: number;
  /** Rejects while the database is away (default: a statement). */
  askDatabase?: () => Promise<unknown>;
};

/** Background work: wake-ups and schedules. What must not be lost lives in the product's tables. */
export function createJobs(options: JobsOptions): Jobs {
  const { redis, database, log, metrics, tracing = noTracing, drainMs = 30_000, lookMs } = options;
  const { askDatabase = () => database.pool.query('select 1') } = options;
  const backend = chooseJobsBackend(redis, database, log);
  const queues = new Map<string, Defined>();
  const opening: Promise<JobQueue>[] = [];
  const workers: JobWorker[] = [];
  const schedules = createSchedules({ backend, log, lookMs });
  let prepared: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  /** What runs while the others end may still add jobs; afterwards there is nothing to add to. */
  let ended = false;

  const find = (name: string): Defined => {
    const found = queues.get(name);
    if (!found) throw new Error(`no queue ${name} is defined`);
    return found;
  };

  /** For names that come from outside. */
  const known = (name: string): Defined => {
    const found = queues.get(name);
    if (!found) throw notFound('The queue');
    return found;
  };

  function define<P>(definition: QueueDefinition<P>): DefinedQueue<P> {
    const { name } = definition;
    if (queues.has(name)) throw new Error(`queue ${name} is defined twice`);
    const open = async () => {
      prepared ??= backend.prepare();
      await prepared;
      const queue = backend.queue(name, {
        defaultJobOptions: {
          attempts: definition.attempts ?? ATTEMPTS,
          backoff: { type: 'exponential', delay: definition.backoffMs ?? 1000, jitter: JITTER },
          removeOnComplete: KEEP_COMPLETED,
          removeOnFail: KEEP_FAILED,
        },
      });
      queue.on('error', (error) => complain(error, { queue: name }, 'job queue'));
      await queue.waitUntilReady();
      return queue;
    };
    let queue: Promise<JobQueue> | undefined;
    queues.set(name, {
      definition,
      get queue() {
        if (ended) throw new Error('the jobs are closed');
        if (!queue) opening.push((queue = open()));
        return queue;
      },
    });
    return queueOf(definition);
  }

  function queueOf<P>(definition: QueueDefinition<P>): DefinedQueue<P> {
    const { name, schema } = definition;
    const found = queues.get(name);
    if (found?.definition !== definition)
      throw new Error(`queue ${name} is not defined: a feature declares its own in \`queues\` of feature.ts`);
    return {
      name,
      add: (payload, options) => add(name, payload, options),
      process(handler, dead) {
        if (found.handler) throw new Error(`queue ${name} is processed twice`);
        found.handler = async (payload, context) => handler(schema.parse(payload), context);
        found.dead = dead && (async (payload, error) => dead(schema.parse(payload), error));
      },
    };
  }

  async function add(name: string, payload: unknown, options: AddOptions = {}): Promise<void> {
    const { definition, queue } = find(name);
    const data: Envelope = { payload: definition.schema.parse(payload), requestId: carried() ?? newId() };
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

  /** After an attempt failed. It was the last one when the job has ended with it. */
  async function bury({ definition, dead }: Defined, job: Job<Envelope> | undefined, error: Error): Promise<void> {
    if (!job?.finishedOn) return;
    const envelope = envelopeSchema.safeParse(job.data);
    const of = readCarried(envelope.data?.requestId ?? job.id ?? newId());
    const about = { queue: definition.name, jobId: job.id, requestId: of.requestId };
    log.error({ ...about, attempts: job.attemptsMade, reason: safeErrorMessage(error) }, 'a job is given up');
    const payload = definition.schema.safeParse(envelope.data?.payload);
    if (!dead || !payload.success) return;
    try {
      await enter(tracing, of, `job ${definition.name} given up`, { kind: 'consumer' }, () =>
        dead(payload.data, safeErrorMessage(error)),
      );
    } catch (failure) {
      log.error({ ...about, err: failure }, 'a dead job was not noted');
    }
  }

  async function run({ definition, handler }: Defined, job: Job<Envelope>, token?: string): Promise<void> {
    const envelope = envelopeSchema.safeParse(job.data);
    const payload = definition.schema.safeParse(envelope.data?.payload);
    if (!envelope.success || !payload.success) {
      // It will not fit on the second run either.
      const problem = envelope.error ?? payload.error;
      throw new UnrecoverableError(`the payload does not fit${problem ? `: ${z.prettifyError(problem)}` : ''}`);
    }
    const of = readCarried(envelope.data.requestId);
    const { requestId } = of;
    const context = { jobId: job.id ?? '', requestId, attempt: job.attemptsMade + 1 };
    const span = { kind: 'consumer' as const, attributes: { 'parley.attempt': context.attempt } };
    await enter(tracing, of, `job ${definition.name}`, span, async () => {
      const started = Date.now();
      // Of the first start: later ones wait on purpose.
      if (job.attemptsStarted <= 1)
        metrics?.jobWait.observe({ queue: definition.name }, Math.max(0, started - job.timestamp - job.delay) / 1_000);
      const took = (outcome: string): void => {
        metrics?.jobDuration.observe({ queue: definition.name, outcome }, (Date.now() - started) / 1_000);
        log.debug({ queue: definition.name, jobId: job.id, attempt: context.attempt, outcome }, 'a job has run');
      };
      try {
        await handler?.(payload.data, context);
        took('done');
      } catch (error) {
        const later = await putOff(job, token, error, await isDatabaseAway(error));
        took(later ? 'put off' : 'failed');
        if (later) throw later;
        const failure = error instanceof Error ? error : new Error(String(error));
        // What is cut off by the end of the process was told of in one line, and runs again.
        log[ended ? 'debug' : 'warn'](
          { err: failure, queue: definition.name, jobId: job.id, attempt: context.attempt },
          'job failed',
        );
        if (failure instanceof PermanentError) throw new UnrecoverableError(safeErrorMessage(failure));
        // The queue keeps the message for people to read, so it keeps the safe one.
        const isOver = context.attempt >= triesOf(failure, Infinity);
        throw isOver
          ? new UnrecoverableError(safeErrorMessage(failure))
          : new Error(safeErrorMessage(failure), { cause: error });
      }
    });
  }

  /** The jobs go on in Redis without it; what they need is not there. Lost connections to others count as ever. */
  async function isDatabaseAway(error: unknown): Promise<boolean> {
    if (!isConnectionLoss(error)) return false;
    return askDatabase().then(
      () => false,
      () => true,
    );
  }

  async function stop(): Promise<void> {
    schedules.close();
    const drained = Promise.all(workers.map((worker) => worker.close()));
    if (!(await inTime(drained, drainMs))) log.warn('closing over running jobs; they will run again');
    ended = true;
    for (const queue of await Promise.allSettled(opening)) if (queue.status === 'fulfilled') await queue.value.close();
    // A worker that did not finish still holds its connection; the end of the process takes it.
    await inTime(backend.close(), 2000);
  }

  const defined = () => [...queues.values()];

  /** What the library says at every try while its server is away is told once, by the watch of that server. */
  function complain(error: Error, about: object, what: string): void {
    log[isConnectionLoss(error) ? 'debug' : 'warn']({ err: error, ...about }, what);
  }

  return {
    define,
    queueOf,
    add,
    async schedule(name, when, payload = {}) {
      const { definition, queue } = find(name);
      const data: Envelope = { payload: definition.schema.parse(payload), requestId: `schedule:${name}` };
      await schedules.add({ name, when, data, queue: await queue });
    },
    async counts() {
      const entries = defined().map(async ({ definition, queue }) => [definition.name, await countJobs(await queue)]);
      return Object.fromEntries(await Promise.all(entries));
    },
    probe: backend.probe,
    states: () => Promise.all(defined().map(async ({ definition, queue }) => readState(definition, await queue))),
    async state(name) {
      const { definition, queue } = known(name);
      return readState(definition, await queue);
    },
    failed: async (name, { offset = 0, limit = 50 } = {}) => readDead(await known(name).queue, offset, limit),
    retry: async (name, jobId) => retryDead(await known(name).queue, jobId),
    retryAll: async (name) => retryAllDead(await known(name).queue),
    pause: async (name) => (await known(name).queue).pause(),
    resume: async (name) => (await known(name).queue).resume(),
    async start() {
      const worked = defined().filter(({ handler }) => handler);
      await Promise.all(defined().map(({ queue }) => queue));
      for (const one of worked) {
        const { name, concurrency, rate } = one.definition;
        const options = {
          concurrency,
          drainDelay: IDLE_LOOK_S,
          lockDuration: LOCK_MS,
          stalledInterval: LOOK_FOR_DEAD_MS,
          maxStalledCount: DEATHS_BORNE,
          ...(rate ? { limiter: { max: rate.max, duration: rate.perMs } } : {}),
        };
        const worker = backend.worker(name, (job, token) => run(one, job, token), options, worked.length);
        worker.on('error', (error) => complain(error, { queue: name }, 'job worker'));
        worker.on('failed', (job, error) => void bury(one, job, error));
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
