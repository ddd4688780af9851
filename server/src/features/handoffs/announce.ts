import { rooms } from '../../platform/realtime.ts';
import type { Live } from '../../platform/realtime.ts';
import type { Store } from '../../platform/tenant.ts';
import type { Logger } from '../../platform/log.ts';
import { announceStatus } from '../conversations/announce.ts';
import { listQueue } from './queries.ts';

const GATHER_MS = 50;

/**
 * Tells colleagues the queue and every waiting visitor their place, after a change of the queue. Changes within 50 ms
 * are told once.
 */
export function createQueueAnnouncer(parts: { store: Store; live: Live; log: Logger }) {
  const timers = new Map<string, NodeJS.Timeout>();

  async function tell(workspaceId: string): Promise<void> {
    const handoffs = await parts.store.inWorkspace(workspaceId, (tx) => listQueue(tx));
    parts.live.emit(rooms.workspace(workspaceId), 'queue:update', { handoffs });
    for (const handoff of handoffs) {
      announceStatus(parts.live, {
        conversationId: handoff.conversationId,
        status: 'waiting',
        position: handoff.position,
        expectedWaitSeconds: handoff.expectedWaitSeconds ?? undefined,
        reason: handoff.reason,
      });
    }
  }

  return {
    changed(workspaceId: string): void {
      if (timers.has(workspaceId)) return;
      const timer = setTimeout(() => {
        timers.delete(workspaceId);
        tell(workspaceId).catch((error: unknown) =>
          parts.log.error({ err: error, workspaceId }, 'the queue was not announced'),
        );
      }, GATHER_MS);
      timers.set(workspaceId, timer);
    },
    close(): void {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
export type QueueAnnouncer = ReturnType<typeof createQueueAnnouncer>;
