import { messageEvents } from '@parley/contract';
import type { Store } from '../../platform/data/tenant.ts';
import type { EmitTyping } from '../../platform/publish/typing.ts';
import { agentEvents } from '../../platform/sockets/socket-events.ts';
import type { AgentEvents } from '../../platform/sockets/socket-events.ts';
import { assertConversation } from '../conversations/queries.ts';
import type { Kit } from '../../kit.ts';

export function messageSocketEvents(parts: {
  store: Store;
  desk: Pick<Kit['desk'], 'reply'>;
  emitTyping: EmitTyping;
}): AgentEvents {
  return agentEvents(messageEvents, {
    'agent:send_message': {
      permission: 'conversations:write',
      handle: async ({ conversationId, text, clientId }, { actor }) =>
        parts.desk.reply(actor, conversationId, { text, clientId, private: false, attachmentIds: [] }),
    },
    'agent:typing': {
      permission: 'conversations:write',
      async handle({ conversationId, typing }, { actor }) {
        await assertConversation(parts.store, actor.workspaceId, conversationId);
        parts.emitTyping({ conversationId, who: 'agent', name: actor.name, typing });
        return undefined;
      },
    },
  });
}
