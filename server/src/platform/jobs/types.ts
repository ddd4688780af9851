import type { ZodType } from 'zod';

/** What background work looks like to those who ask for it and those who do it; jobs.ts does it. */

export type QueueDefinition<P> = {
  name: string;
  /** What the jobs of this queue do, in one sentence for the person who runs the installation. */
  sentence: string;
  schema: ZodType<P>;
  /** Jobs of this queue running at once in each process. */
  concurrency: number;
  /**
   * Runs at most, the first included (default 3). One that fails because something is away or says when to come again
   * (AppError `unavailable` or with `retryAfter`: an open breaker, a 429; the database) is put off instead and does not count, for a day.
   */
  attempts?: number;
  /** The wait before the second run; doubles each time, less up to a fifth by chance (default 1000: 1 s, 2 s, 4 s). */
  backoffMs?: number;
  /** Starts at most `max` jobs per `perMs` milliseconds, all processes together. What is over waits, and is not lost. */
  rate?: Rate;
};
export type Rate = { max: number; perMs: number };

export type AddOptions = {
  /** An id of the caller's choosing. While the queue still knows a job with it, finished ones included, nothing is added. */
  jobId?: string;
  /**
   * At most one waiting job per key. While one waits, another is not added; while one runs, one more is kept and runs
   * after it. So work that became pending during a run is never missed. A dead job has no key, also not when it is
   * replayed.
   */
  key?: string;
  delayMs?: number;
  /** 1 is first; without one a job goes before all that have one. */
  priority?: number;
};

export type JobContext = { jobId: string; requestId: string; attempt: number };
export type JobHandler<P> = (payload: P, context: JobContext) => Promise<void>;
/**
 * Hears of a job that is given up: its attempts are used up, or the processes that ran it died again and again. At most
 * once: who has to know for sure looks at its own tables.
 *
 * @param error the safe message of the last failure
 */
export type DeadListener<P> = (payload: P, error: string) => Promise<void>;

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

/** What somebody who looks after a queue sees. */
export type QueueState = {
  name: string;
  sentence: string;
  concurrency: number;
  attempts: number;
  rate: Rate | null;
  paused: boolean;
  counts: JobCounts;
  /** How long ago the job that waits longest could have started, in milliseconds; null when none waits. */
  oldestWaitingMs: number | null;
  /** From when a job could have started to when it did, in milliseconds, of the latest that ended well at the first try. */
  waited: { p50: number; p95: number; jobs: number } | null;
};

/** Every so many milliseconds, or by a cron pattern of five or six fields in a zone of time (default UTC). */
export type When = { everyMs: number } | { cron: string; timeZone?: string };

/** A defined queue; `add` is that of `Jobs` with the payload's type. */
export type DefinedQueue<P> = {
  name: string;
  add(payload: P, options?: AddOptions): Promise<void>;
  /** Has this process work on the queue from `start` on. A handler may run twice for one job and must bear it. */
  process(handler: JobHandler<P>, dead?: DeadListener<P>): void;
};

/** The queue that was defined by this. @throws when nobody has defined it */
export type QueueOf = <P>(definition: QueueDefinition<P>) => DefinedQueue<P>;

export type Jobs = {
  /** Names a queue. Once per name, before `start`. */
  define<P>(definition: QueueDefinition<P>): DefinedQueue<P>;
  queueOf: QueueOf;
  /** Stores a job; it is durable when this returns. @throws ZodError when the payload does not fit */
  add(name: string, payload: unknown, options?: AddOptions): Promise<void>;
  /**
   * Adds a job again and again, one schedule per queue for all processes together; calling again changes it. A schedule
   * that is lost (an emptied Redis) is made again within a minute while a process that asked for it runs.
   *
   * @throws when the pattern is none
   */
  schedule(name: string, when: When, payload?: unknown): Promise<void>;
  counts(): Promise<Record<string, JobCounts>>;
  /** Rejects when the jobs cannot be reached. For health. */
  probe(): Promise<unknown>;
  /** All defined queues, by name. */
  states(): Promise<QueueState[]>;
  /** @throws not found for a queue nobody defined */
  state(name: string): Promise<QueueState>;
  /** Jobs that failed for good, the latest first. @throws not found for a queue nobody defined */
  failed(name: string, page?: { offset?: number; limit?: number }): Promise<DeadJob[]>;
  /** Runs a dead job again with fresh attempts. @throws not found when it is not dead, or conflict when somebody was faster */
  retry(name: string, jobId: string): Promise<void>;
  /** The same for those that are dead now, at most a thousand at a time. Returns how many. */
  retryAll(name: string): Promise<number>;
  /** No process starts another job of the queue until `resume`; running ones end, and adding goes on. Outlives restarts. */
  pause(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  start(): Promise<void>;
  /** Takes no more jobs, waits for running ones (at most `drainMs`), closes. What did not finish runs again later. */
  close(): Promise<void>;
};

/** What features have of them: a queue of their own is declared in `queues` of feature.ts, and defined for them. */
export type DefinedJobs = Omit<Jobs, 'define'>;

/** Thrown by a handler whose next run would fail just the same: the job is given up at once. The message is shown to operators. */
export class PermanentError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PermanentError';
  }
}
