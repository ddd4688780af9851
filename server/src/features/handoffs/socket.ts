import { handoffEvents } from '@parley/contract';
import type { Store } from '../../platform/data/tenant.ts';
import { agentEvents } from '../../platform/sockets/socket-events.ts';
import type { AgentEvents } from '../../platform/sockets/socket-events.ts';
import type { Kit } from '../../kit.ts';
import { findConversation } from '../conversations/queries.ts';
import { alreadyTaken } from './commands.ts';
import { listQueue, placeInQueue } from './queries.ts';

export function handoffSocketEvents({ store, desk }: { store: Store; desk: Pick<Kit['desk'], 'pickUp'> }): AgentEvents {
  return agentEvents(handoffEvents, {
    'agent:pickup_session': {
      permission: 'handoffs:write',
      async handle({ conversationId }, { actor }) {
        const waiting = await store.inWorkspace(actor.workspaceId, async (tx) => {
          const conversation = await findConversation(tx, conversationId);
          const place = await placeInQueue(tx, conversationId);
          if (!place) throw alreadyTaken(conversation.assignee?.name);
          return place;
        });
        return desk.pickUp(actor, waiting.id);
      },
    },
    'admin:debug_queue': {
      permission: 'operations:read',
      handle: async (_payload, { actor }) => ({
        handoffs: await store.inWorkspace(actor.workspaceId, (tx) => listQueue(tx)),
      }),
    },
  });
}
