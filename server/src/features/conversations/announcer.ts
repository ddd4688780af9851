import type { Logger } from '../../platform/log.ts';
import type { Live } from '../../platform/realtime.ts';
import type { Store } from '../../platform/tenant.ts';
import { announceConversation } from './announce.ts';
import { readConversation } from './queries.ts';

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
