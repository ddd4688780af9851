import { queueEvents } from '@parley/contract';
import { unauthorized } from '../../platform/errors.ts';
import { agentEvents } from '../../platform/sockets/socket-events.ts';
import type { AgentEvents } from '../../platform/sockets/socket-events.ts';
import { createHealthCheck } from './health-check.ts';

export function queueSocketEvents(parts: Parameters<typeof createHealthCheck>[0]): AgentEvents {
  const check = createHealthCheck(parts);
  return agentEvents(queueEvents, {
    'admin:health_check': {
      permission: 'operations:read',
      async handle(_payload, { actor, current }) {
        const signedIn = await current();
        if (signedIn?.workspaceId !== actor.workspaceId) throw unauthorized();
        return check({ ...signedIn, workspaceId: actor.workspaceId });
      },
    },
  });
}
