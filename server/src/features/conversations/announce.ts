import type { Conversation, StatusChanged } from '@parley/contract';
import type { Logger } from '../../platform/log.ts';
import { rooms } from '../../platform/realtime.ts';
import type { Live } from '../../platform/realtime.ts';
import type { Store } from '../../platform/tenant.ts';
import { readConversation } from './queries.ts';

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

const GATHER_MS = 50;

/**
 * Refreshes the list rows of colleagues after changes, off the path of the message. Changes of one conversation within
 * 50 ms are told once.
 */
export function createConversationAnnouncer(parts: { store: Store; live: Live; log: Logger }) {
  const timers = new Map<string, NodeJS.Timeout>();

  return {
    changed(workspaceId: string, conversationId: string): void {
      if (timers.has(conversationId)) return;
      const timer = setTimeout(() => {
        timers.delete(conversationId);
        readConversation(parts.store, workspaceId, conversationId).then(
          (conversation) => announceConversation(parts.live, workspaceId, conversation),
          (error: unknown) => parts.log.error({ err: error, conversationId }, 'the conversation was not announced'),
        );
      }, GATHER_MS);
      timers.set(conversationId, timer);
    },
    close(): void {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
export type ConversationAnnouncer = ReturnType<typeof createConversationAnnouncer>;
