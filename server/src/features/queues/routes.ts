import { queuesApi } from '@parley/contract';
import type { FastifyRequest } from 'fastify';
import { actorOf, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { DefinedJobs } from '../../platform/jobs/jobs.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import { presentFailedJob, presentQueue } from './present.ts';

const description =
  'For owners of the first workspace of the installation alone: queues hold the work of all workspaces.';

/** Queues are of the whole installation: the permissions are those of its operator, whoever owns another workspace. */
export function queueRoutes(http: Http, { jobs, log }: { jobs: DefinedJobs; log: Logger }): void {
  /** Who did what to a queue, for whoever asks later. */
  const note = (request: FastifyRequest, what: string, about: Record<string, unknown>): void => {
    const { userId, workspaceId } = actorOf(request);
    log.info({ ...about, userId, workspaceId }, what);
  };

  addRoutes(
    http,
    queuesApi,
    {
      list: async () => ok((await jobs.states()).map(presentQueue)),

      listFailed: async (request) => {
        const { name } = request.params;
        const { page: number, limit } = request.query;
        const [failed, { counts }] = await Promise.all([
          jobs.failed(name, { offset: (number - 1) * limit, limit }),
          jobs.state(name),
        ]);
        return page(failed.map(presentFailedJob), { page: number, limit, total: counts.failed });
      },

      replayJob: async (request) => {
        const { name, id } = request.params;
        await jobs.retry(name, id);
        note(request, 'a failed job is replayed', { queue: name, jobId: id });
        return ok({ replayed: 1 });
      },

      replayAll: async (request) => {
        const { name } = request.params;
        const replayed = await jobs.retryAll(name);
        note(request, 'failed jobs are replayed', { queue: name, replayed });
        return ok({ replayed });
      },

      pause: async (request) => {
        const { name } = request.params;
        await jobs.pause(name);
        note(request, 'a queue is paused', { queue: name });
        return ok(presentQueue(await jobs.state(name)));
      },

      resume: async (request) => {
        const { name } = request.params;
        await jobs.resume(name);
        note(request, 'a queue is resumed', { queue: name });
        return ok(presentQueue(await jobs.state(name)));
      },
    },
    {
      list: { description },
      listFailed: { description: `${description} Payloads are redacted.` },
      replayJob: { description },
      replayAll: { description },
      pause: { description },
      resume: { description },
    },
  );
}
