import type { Conversation, ConversationStatus, ServerEventPayload } from '@parley/contract';
import { defineChange } from '../../platform/publish/change.ts';
import { rooms } from '../../platform/sockets/realtime.ts';
import type { Live } from '../../platform/sockets/realtime.ts';
import { readConversation } from './queries.ts';
import { BOT_INTERRUPTED } from './topics.ts';

/** For those who look at the conversation, and for its visitor. */
export const emitStatus = (live: Live, status: ServerEventPayload<'status:changed'>): void =>
  live.emit(
    [rooms.conversation(status.conversationId), rooms.visitor(status.conversationId)],
    'status:changed',
    status,
  );

type Moved = {
  conversationId: string;
  status: ConversationStatus;
  /** who has it */
  agent?: { id: string; name: string } | undefined;
  /** of a resolved one: until when a message reopens it */
  reopenUntil?: string | null;
};

/**
 * Its state is another. A bot that speaks in it stops when it may not; the bot itself puts it into the queue, and that it
 * waits comes with its position (handoffs/changes.ts).
 */
export const conversationMoved = defineChange<Moved>('conversation moved', {
  publish({ workspaceId, detail: { conversationId, status, agent, reopenUntil = null } }, { live, wake }) {
    if (status === 'waiting') return;
    if (status !== 'bot') wake.wake(BOT_INTERRUPTED, conversationId);
    const visitor = rooms.visitor(conversationId);
    /** those who look at it, and whoever has it, wherever they are */
    const colleagues = [rooms.conversation(conversationId), ...(agent ? [rooms.user(workspaceId, agent.id)] : [])];
    const assigned = status === 'agent' ? agent : undefined;
    emitStatus(live, {
      conversationId,
      status,
      ...(assigned ? { agentName: assigned.name } : {}),
      ...(status === 'resolved' ? { reopenUntil } : {}),
    });
    if (assigned) {
      live.emit(colleagues, 'session:assigned', { conversationId, agentName: assigned.name, agent: assigned });
      live.emit(visitor, 'session:assigned', { conversationId, agentName: assigned.name });
    }
    if (status === 'resolved') live.emit([...colleagues, visitor], 'session:closed', { conversationId });
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
