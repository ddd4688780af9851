import { memberEvents } from '@parley/contract';
import type { Stats } from '@parley/contract';
import type { Store } from '../../platform/data/tenant.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import { agentEvents } from '../../platform/sockets/socket-events.ts';
import type { AgentEvents } from '../../platform/sockets/socket-events.ts';
import { listQueue } from '../handoffs/queries.ts';
import { changePresence } from './commands.ts';

export function memberSocketEvents(parts: {
  store: Store;
  publish: Publish;
  stats: (workspaceId: string) => Promise<Stats>;
}): AgentEvents {
  const { store } = parts;
  return agentEvents(memberEvents, {
    'agent:join': {
      permission: 'conversations:read',
      async handle({ status }, { actor, socket }) {
        if (status) await changePresence(parts, actor, status);
        const handoffs = await store.inWorkspace(actor.workspaceId, (tx) => listQueue(tx));
        const now = await parts.stats(actor.workspaceId);
        socket.emit('queue:update', { handoffs, total: now.waiting });
        socket.emit('stats:update', now);
        return now;
      },
    },
  });
}
