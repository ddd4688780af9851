import { z } from 'zod';
import { Timestamp, success, PageQuery, paged } from './common.ts';
import { api, get, post } from './declare.ts';

/** Background work of the whole installation, for the person who runs it. */

const Count = z.int().min(0);

export const Queue = z.object({
  name: z.string(),
  /** what its jobs do, in one sentence */
  sentence: z.string(),
  /** jobs running at once in each process */
  concurrency: z.int(),
  /** runs of a job at most before it counts as failed */
  attempts: z.int(),
  /** jobs started at most, all processes together; null without a limit */
  rate: z.object({ max: z.int(), perSeconds: z.number() }).nullable(),
  /** nothing is started; running jobs end and new ones wait */
  paused: z.boolean(),
  counts: z.object({ waiting: Count, active: Count, delayed: Count, completed: Count, failed: Count }),
  /** milliseconds since the job that waits longest could have started; null when none waits */
  oldestWaitingMs: z.number().nullable(),
  /** milliseconds from when a job could have started to when it did, of the latest `jobs` that ended well at once */
  waited: z.object({ p50Ms: z.number(), p95Ms: z.number(), jobs: Count }).nullable(),
});
export type Queue = z.infer<typeof Queue>;

export const FailedJob = z.object({
  id: z.string(),
  /** as it was stored, with everything hidden that a person wrote and everything secret */
  payload: z.unknown(),
  /** why the last attempt failed */
  error: z.string(),
  attempts: z.int(),
  /** of the request that caused it, to look up in the log */
  requestId: z.string(),
  failedAt: Timestamp.nullable(),
});
export type FailedJob = z.infer<typeof FailedJob>;

const QueueName = z.string().min(1).max(60);
export const QueueParams = z.object({ name: QueueName });
export const FailedJobParams = z.object({ name: QueueName, id: z.string().min(1).max(200) });

/** How many jobs were put back to run again. */
export const Replayed = z.object({ replayed: Count });
export type Replayed = z.infer<typeof Replayed>;

/** agent → server */
export const queueEvents = {
  'admin:health_check': z.strictObject({}),
};

export const queuesApi = api('Queues', {
  list: get('/queues', 'queues:read', { summary: 'The queues of the installation', response: success(Queue.array()) }),
  listFailed: get('/queues/:name/failed', 'queues:read', {
    summary: 'Jobs that failed for good, the latest first',
    params: QueueParams,
    query: PageQuery,
    response: paged(FailedJob),
  }),
  replayJob: post('/queues/:name/failed/:id/replay', 'queues:write', {
    summary: 'Run a failed job again with fresh attempts',
    params: FailedJobParams,
    response: success(Replayed),
  }),
  replayAll: post('/queues/:name/replay', 'queues:write', {
    summary: 'Run the failed jobs of a queue again, at most a thousand at a time',
    params: QueueParams,
    response: success(Replayed),
  }),
  pause: post('/queues/:name/pause', 'queues:write', {
    summary: 'Start no more jobs of a queue until it is resumed',
    params: QueueParams,
    response: success(Queue),
  }),
  resume: post('/queues/:name/resume', 'queues:write', {
    summary: 'Start the jobs of a paused queue again',
    params: QueueParams,
    response: success(Queue),
  }),
});
