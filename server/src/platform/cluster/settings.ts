import { z } from 'zod';
import { defineSettings } from '../config/define.ts';
import { addressOf, commaList } from '../config/schemas.ts';

/** The parts of a worker; each can run in a process of its own. */
export const workerParts = ['turn', 'delivery', 'knowledge', 'facts'] as const;
export type WorkerPart = (typeof workerParts)[number];
export type Roles = { api: boolean; worker: Record<WorkerPart, boolean> };

const isWorkerPart = (value: string): value is WorkerPart => workerParts.some((part) => part === value);

/** "api,worker" | "worker:turn,delivery" | "api,worker:turn": parts follow "worker:" up to the next role. */
const parseRoles = (value: string): Roles | undefined => {
  const roles: Roles = { api: false, worker: { turn: false, delivery: false, knowledge: false, facts: false } };
  let inParts = false;
  for (const item of commaList(value)) {
    const [head, part] = item.startsWith('worker:') ? ['worker:', item.slice('worker:'.length).trim()] : [item, item];
    if (head === 'api' || head === 'worker') {
      inParts = false;
      if (head === 'api') roles.api = true;
      else for (const name of workerParts) roles.worker[name] = true;
      continue;
    }
    inParts ||= head === 'worker:';
    if (!inParts || !isWorkerPart(part)) return undefined;
    roles.worker[part] = true;
  }
  return roles.api || workerParts.some((part) => roles.worker[part]) ? roles : undefined;
};

export const clusterSettings = defineSettings(
  {
    PARLEY_ROLES: {
      schema: z
        .string()
        .transform((value, context) => {
          const roles = parseRoles(value);
          if (roles) return roles;
          context.addIssue('wrong roles');
          return z.NEVER;
        })
        .describe(
          `takes api, worker or worker:PART,PART with the parts ${workerParts.join(', ')}; several with commas`,
        ),
      group: 'process',
      description: `What this process does: api, worker, or parts of the worker (worker:${workerParts.join(',')}). Several processes need DATABASE_URL and REDIS_URL.`,
      default: 'api,worker',
    },
    REDIS_URL: {
      schema: addressOf(['redis:', 'rediss:']),
      group: 'services',
      description:
        'Redis or Valkey: jobs, wakes between processes, live events over all processes, limits counted together. Several Parleys may share one.',
      example: 'redis://localhost:6379',
      secret: true,
    },
  },
  (values) => ({ roles: values.PARLEY_ROLES, redis: { url: values.REDIS_URL } }),
);
