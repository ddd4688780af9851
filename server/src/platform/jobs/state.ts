import type { Job } from 'bullmq';
import { conflict, notFound } from '../errors.ts';
import type { Envelope, JobQueue } from './backend.ts';
import { readCarried } from '../telemetry/tracing.ts';
import type { DeadJob, JobCounts, QueueDefinition, QueueState } from './types.ts';

/** Runs at most, of a queue that says nothing else. */
export const ATTEMPTS = 3;
/** What is looked at for the waits: the latest that ended. */
const LATEST = 200;
/** Those with a priority do not wait in the order of their ages, so this many of either end are looked at. */
const PRIORITIES = 100;
const RETRIED_AT_ONCE = 1_000;
const RETRIED_TOGETHER = 20;

/** When the job could have started, had a worker been free. */
const readyAt = (job: Job<Envelope>): number => job.timestamp + (job.opts.delay ?? 0);

export async function countJobs(queue: JobQueue): Promise<JobCounts> {
  const found = await queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed', 'completed');
  const count = (type: string): number => found[type] ?? 0;
  return {
    waiting: (await countPlain(queue, count('waiting'))) + count('prioritized'),
    active: count('active'),
    delayed: count('delayed'),
    failed: count('failed'),
    completed: count('completed'),
  };
}

/** Those without a priority. PostgreSQL counts none of them as waiting while the queue is paused. */
async function countPlain(queue: JobQueue, waiting: number): Promise<number> {
  if (waiting > 0 || !(await queue.isPaused())) return waiting;
  return (await queue.getCountsPerPriority([0]))['0'] ?? 0;
}

async function oldestWaitingMs(queue: JobQueue, counts: JobCounts, now: number): Promise<number | null> {
  if (counts.waiting === 0) return null;
  const last = Math.max(0, counts.waiting - ((await queue.getJobCounts('prioritized'))['prioritized'] ?? 0) - 1);
  // Redis and PostgreSQL count from different ends.
  const lists = await Promise.all([
    queue.getJobs(['waiting'], 0, 0, true),
    queue.getJobs(['waiting'], last, last, true),
    queue.getJobs(['prioritized'], 0, PRIORITIES - 1, true),
    queue.getJobs(['prioritized'], 0, PRIORITIES - 1, false),
  ]);
  const times = lists.flat().map(readyAt);
  return times.length > 0 ? Math.max(0, now - Math.min(...times)) : null;
}

async function waited(queue: JobQueue): Promise<QueueState['waited']> {
  const jobs = await queue.getJobs(['completed'], 0, LATEST - 1, false);
  const waits = jobs
    .filter((job) => job.processedOn !== undefined && job.attemptsMade <= 1 && job.attemptsStarted <= 1)
    .map((job) => Math.max(0, (job.processedOn ?? 0) - readyAt(job)))
    .sort((a, b) => a - b);
  const at = (share: number): number => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0;
  return waits.length > 0 ? { p50: at(0.5), p95: at(0.95), jobs: waits.length } : null;
}

export async function readState(definition: QueueDefinition<unknown>, queue: JobQueue): Promise<QueueState> {
  const { name, sentence, concurrency, attempts = ATTEMPTS, rate = null } = definition;
  const [counts, paused, waits] = await Promise.all([countJobs(queue), queue.isPaused(), waited(queue)]);
  return {
    name,
    sentence,
    concurrency,
    attempts,
    rate,
    paused,
    counts,
    oldestWaitingMs: await oldestWaitingMs(queue, counts, Date.now()),
    waited: waits,
  };
}

export async function readDead(queue: JobQueue, offset: number, limit: number): Promise<DeadJob[]> {
  const jobs = await queue.getJobs(['failed'], offset, offset + limit - 1, false);
  return jobs.map((job) => ({
    id: job.id ?? '',
    payload: job.data.payload,
    requestId: readCarried(job.data.requestId ?? '').requestId,
    attempts: job.attemptsMade,
    error: job.failedReason ?? '',
    failedAt: job.finishedOn ? new Date(job.finishedOn) : null,
  }));
}

/** False: it is not dead, or not any more. */
async function revive(job: Job<Envelope>): Promise<boolean> {
  if (!(await job.isFailed())) return false;
  try {
    await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
    return true;
  } catch (error) {
    // Between the look and the step somebody else did it.
    if (!(await job.isFailed())) return false;
    throw error;
  }
}

export async function retryDead(queue: JobQueue, jobId: string): Promise<void> {
  const job = await queue.getJob(jobId);
  if (!job || !(await job.isFailed())) throw notFound('The failed job');
  if (!(await revive(job))) throw conflict('This job runs again already.');
}

export async function retryAllDead(queue: JobQueue): Promise<number> {
  const jobs = await queue.getJobs(['failed'], 0, RETRIED_AT_ONCE - 1, false);
  let revived = 0;
  for (let at = 0; at < jobs.length; at += RETRIED_TOGETHER) {
    const done = await Promise.all(jobs.slice(at, at + RETRIED_TOGETHER).map(revive));
    revived += done.filter(Boolean).length;
  }
  return revived;
}
