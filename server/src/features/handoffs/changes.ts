import type { HandoffReason } from '@parley/contract';
import { defineChange } from '../../platform/publish/change.ts';
import { rooms } from '../../platform/sockets/realtime.ts';
import { handoffMetrics } from './metrics.ts';
import { listQueue } from './queries.ts';

/** The queue is another: colleagues get it, and every waiting visitor their place. */
export const queueTouched = defineChange<void>('queue touched', {
  gather: () => '',
  async publish({ workspaceId }, { store, live }) {
    const handoffs = await store.inWorkspace(workspaceId, (tx) => listQueue(tx));
    live.emit(rooms.workspace(workspaceId), 'queue:update', { handoffs });
    for (const handoff of handoffs)
      live.emit([rooms.conversation(handoff.conversationId), rooms.visitor(handoff.conversationId)], 'status:changed', {
        conversationId: handoff.conversationId,
        status: 'waiting',
        position: handoff.position,
        expectedWaitSeconds: handoff.expectedWaitSeconds ?? undefined,
        reason: handoff.reason,
      });
  },
});

/** A customer waits for a person: counted, and every colleague is notified. */
export const handoffRequested = defineChange<{
  conversationId: string;
  reason: HandoffReason;
  question: string | undefined;
}>('handoff requested', {
  publish({ workspaceId, detail: { conversationId, reason, question } }, { live, metrics }) {
    metrics.of(handoffMetrics).handoffs.inc({ reason });
    live.emit(rooms.workspace(workspaceId), 'notification', {
      kind: reason,
      title: question?.slice(0, 140) ?? 'A customer waits for a person',
      conversationId,
    });
  },
});
