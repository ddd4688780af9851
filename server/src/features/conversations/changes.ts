import type { Conversation, ConversationStatus } from '@parley/contract';
import { defineChange } from '../../platform/publish/change.ts';
import { rooms } from '../../platform/sockets/realtime.ts';
import { readConversation } from './queries.ts';
import { BOT_INTERRUPTED } from './topics.ts';

type Moved = { conversationId: string; status: ConversationStatus; agentName?: string | undefined };

/** Its state is another: for those who look at it, and for the visitor. A bot that speaks in it stops when it may not. */
export const conversationMoved = defineChange<Moved>('conversation moved', {
  publish({ detail: { conversationId, status, agentName } }, { live, wake }) {
    if (status !== 'bot') wake.wake(BOT_INTERRUPTED, conversationId);
    const both = [rooms.conversation(conversationId), rooms.visitor(conversationId)];
    const assigned = status === 'agent' && agentName !== undefined;
    live.emit(both, 'status:changed', { conversationId, status, ...(assigned ? { agentName } : {}) });
    if (assigned) live.emit(both, 'session:assigned', { conversationId, agentName });
    if (status === 'resolved') live.emit(both, 'session:closed', { conversationId });
  },
});

/** Its row in the lists of colleagues, known already. */
export const conversationListed = defineChange<Conversation>('conversation listed', {
  publish({ workspaceId, detail }, { live }) {
    live.emit(rooms.workspace(workspaceId), 'conversation:updated', detail);
  },
});

/** Something its row shows is another: the row is read off the path of the message, once for all changes of a moment. */
export const conversationTouched = defineChange<{ conversationId: string }>('conversation touched', {
  gather: ({ conversationId }) => conversationId,
  async publish({ workspaceId, detail }, { store, live }) {
    const conversation = await readConversation(store, workspaceId, detail.conversationId);
    live.emit(rooms.workspace(workspaceId), 'conversation:updated', conversation);
  },
});
