import { conversationEvents } from '@parley/contract';
import type { Store } from '../../platform/data/tenant.ts';
import { rooms } from '../../platform/sockets/realtime.ts';
import { agentEvents } from '../../platform/sockets/socket-events.ts';
import type { AgentEvents } from '../../platform/sockets/socket-events.ts';
import type { Desk } from './desk.ts';
import { findConversation } from './queries.ts';
import type { ReadStats } from './stats.ts';

export function conversationSocketEvents(parts: { store: Store; desk: Desk; stats: ReadStats }): AgentEvents {
  const { store, desk, stats } = parts;
  return agentEvents(conversationEvents, {
    'agent:close_session': {
      permission: 'conversations:write',
      handle: async ({ conversationId }, { actor }) => desk.resolve(actor, conversationId),
    },
    'conversation:subscribe': {
      permission: 'conversations:read',
      async handle({ conversationId }, { actor, socket }) {
        const conversation = await store.inWorkspace(actor.workspaceId, (tx) => findConversation(tx, conversationId));
        await socket.join(rooms.conversation(conversationId));
        return conversation;
      },
    },
    'conversation:unsubscribe': {
      permission: 'conversations:read',
      async handle({ conversationId }, { socket }) {
        await socket.leave(rooms.conversation(conversationId));
        return undefined;
      },
    },
    'admin:get_stats': {
      permission: 'operations:read',
      handle: async (_payload, { actor }) => stats(actor.workspaceId),
    },
  });
}
