import type { Conversation, HandoffReason, Message } from '@parley/contract';
import { defineChange } from '../../platform/publish/change.ts';
import type { Change } from '../../platform/publish/change.ts';
import { rooms } from '../../platform/sockets/realtime.ts';
import { conversationListed, conversationMoved, emitStatus } from '../conversations/changes.ts';
import { messageStored } from '../messages/changes.ts';
import { handoffMetrics } from './metrics.ts';
import { listQueue } from './queries.ts';

/** The queue is another: colleagues get it, and every waiting visitor their place. */
export const queueTouched = defineChange<void>('queue touched', {
  gather: () => '',
  async publish({ workspaceId }, { store, live }) {
    const handoffs = await store.inWorkspace(workspaceId, (tx) => listQueue(tx));
    live.emit(rooms.workspace(workspaceId), 'queue:update', { handoffs });
    for (const handoff of handoffs)
      emitStatus(live, {
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

/**
 * What everybody is told of a conversation that moved to another state, whoever moved it: the messages that say so, its
 * state, its row, the queue; and that a person is asked for, where one is.
 */
export const changesOfMove = (
  workspaceId: string,
  move: {
    /** as it stands after the move, read in the same transaction */
    conversation: Conversation;
    messages: readonly Message[];
    request?: { reason: HandoffReason; question?: string | undefined };
  },
): Change[] => {
  const { conversation, messages, request } = move;
  const { id: conversationId, status, assignee, inbox } = conversation;
  return [
    ...messages.map((message) => messageStored(workspaceId, { message, channel: inbox.channel })),
    conversationMoved(workspaceId, { conversationId, status, agentName: assignee?.name }),
    conversationListed(workspaceId, conversation),
    ...(request
      ? [handoffRequested(workspaceId, { conversationId, reason: request.reason, question: request.question })]
      : []),
    queueTouched(workspaceId),
  ];
};
