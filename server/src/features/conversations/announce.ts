import type { Conversation, StatusChanged } from '@parley/contract';
import { rooms } from '../../platform/realtime.ts';
import type { Live } from '../../platform/realtime.ts';

/** The list row of every colleague; called after the commit. */
export function announceConversation(live: Live, workspaceId: string, conversation: Conversation): void {
  live.emit(rooms.workspace(workspaceId), 'conversation:updated', conversation);
}

/** A change of state, also for the visitor. */
export function announceStatus(live: Live, change: StatusChanged): void {
  live.emit(
    [rooms.conversation(change.conversationId), rooms.visitor(change.conversationId)],
    'status:changed',
    change,
  );
}
