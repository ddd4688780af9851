import { FailedJob, FailedJobParams, PageQuery, Queue, QueueParams, Replayed, paged, success } from '@parley/contract';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { actorOf, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Jobs } from '../../platform/jobs.ts';
import type { Logger } from '../../platform/log.ts';
import { presentFailedJob, presentQueue } from './present.ts';

const tags = ['Queues'];
const description =
  'For owners of the first workspace of the installation alone: queues hold the work of all workspaces.';

/** Queues are of the whole installation: the permissions are those of its operator, whoever owns another workspace. */
export function queueRoutes(http: Http, { jobs, log }: { jobs: Jobs; log: Logger }): void {
  /** Who did what to a queue, for whoever asks later. */
  const note = (request: FastifyRequest, what: string, about: Record<string, unknown>): void => {
    const { userId, workspaceId } = actorOf(request);
    log.info({ ...about, userId, workspaceId }, what);
  };

  http.get(
    '/queues',
    {
      config: { permission: 'queues:read' },
      schema: {
        tags,
        summary: 'The queues of the installation',
        description,
        response: { 200: success(z.array(Queue)) },
      },
    },
    async () => ok((await jobs.states()).map(presentQueue)),
  );

  http.get(
    '/queues/:name/failed',
    {
      config: { permission: 'queues:read' },
      schema: {
        tags,
        summary: 'Jobs that failed for good, the latest first',
        description: `${description} Payloads are redacted.`,
        params: QueueParams,
        querystring: PageQuery,
        response: { 200: paged(FailedJob) },
      },
    },
    async (request) => {
      const { name } = request.params;
      const { page: number, limit } = request.query;
      const [failed, { counts }] = await Promise.all([
        jobs.failed(name, { offset: (number - 1) * limit, limit }),
        jobs.state(name),
      ]);
      return page(failed.map(presentFailedJob), { page: number, limit, total: counts.failed });
    },
  );

  http.post(
    '/queues/:name/failed/:id/replay',
    {
      config: { permission: 'queues:write' },
      schema: {
        tags,
        summary: 'Run a failed job again with fresh attempts',
        description,
        params: FailedJobParams,
        response: { 200: success(Replayed) },
      },
    },
    async (request) => {
      const { name, id } = request.params;
      await jobs.retry(name, id);
      note(request, 'a failed job is replayed', { queue: name, jobId: id });
      return ok({ replayed: 1 });
    },
  );

  http.post(
    '/queues/:name/replay',
    {
      config: { permission: 'queues:write' },
      schema: {
        tags,
        summary: 'Run the failed jobs of a queue again, at most a thousand at a time',
        description,
        params: QueueParams,
        response: { 200: success(Replayed) },
      },
    },
    async (request) => {
      const { name } = request.params;
      const replayed = await jobs.retryAll(name);
      note(request, 'failed jobs are replayed', { queue: name, replayed });
      return ok({ replayed });
    },
  );

  for (const [verb, summary, what, run] of [
    ['pause', 'Start no more jobs of a queue until it is resumed', 'a queue is paused', jobs.pause],
    ['resume', 'Start the jobs of a paused queue again', 'a queue is resumed', jobs.resume],
  ] as const) {
    http.post(
      `/queues/:name/${verb}`,
      {
        config: { permission: 'queues:write' },
        schema: { tags, summary, description, params: QueueParams, response: { 200: success(Queue) } },
      },
      async (request) => {
        const { name } = request.params;
        await run(name);
        note(request, what, { queue: name });
        return ok(presentQueue(await jobs.state(name)));
      },
    );
  }
}
