import { MAX_QUEUE_IN_EVENT } from '@parley/contract';
import type { Conversation, HandoffReason, Message } from '@parley/contract';
import { defineChange } from '../../platform/publish/change.ts';
import type { Change } from '../../platform/publish/change.ts';
import { rooms } from '../../platform/sockets/realtime.ts';
import type { Live } from '../../platform/sockets/realtime.ts';
import { conversationListed, conversationMoved, emitStatus } from '../conversations/changes.ts';
import { messageStored } from '../messages/changes.ts';
import { handoffMetrics } from './metrics.ts';
import { countQueue, listPlaces, listQueue, placeInQueue } from './queries.ts';
import type { QueuePlace } from './queries.ts';

const emitPlace = (live: Live, place: QueuePlace): void =>
  emitStatus(live, {
    conversationId: place.conversationId,
    status: 'waiting',
    position: place.position,
    expectedWait: place.expectedWait ?? undefined,
    expectedWaitSeconds: place.expectedWaitSeconds ?? undefined,
    reason: place.reason,
  });

/** The queue is another: colleagues get the first of it and how long it is, and those in it their place. */
export const queueTouched = defineChange<void>('queue touched', {
  gather: () => '',
  async publish({ workspaceId }, { store, live }) {
    const { handoffs, total } = await store.inWorkspace(workspaceId, async (tx) => {
      const first = await listQueue(tx);
      return { handoffs: first, total: first.length < MAX_QUEUE_IN_EVENT ? first.length : await countQueue(tx) };
    });
    live.emit(rooms.workspace(workspaceId), 'queue:update', { handoffs, total });
    for (const handoff of handoffs) emitPlace(live, handoff);
  },
});

/** Every one of a long queue moves up at each pick-up: those far behind are told every few seconds. */
const TAIL_MS = 3_000;

export const tailTouched = defineChange<void>('tail of the queue touched', {
  gather: () => '',
  gatherMs: TAIL_MS,
  async publish({ workspaceId }, { store, live }) {
    const places = await store.inWorkspace(workspaceId, (tx) => listPlaces(tx, MAX_QUEUE_IN_EVENT));
    for (const place of places) emitPlace(live, place);
  },
});

/** It waits from now on. The first of the queue are told with the rest of it. */
export const conversationQueued = defineChange<{ conversationId: string }>('conversation queued', {
  async publish({ workspaceId, detail }, { store, live }) {
    const place = await store.inWorkspace(workspaceId, (tx) => placeInQueue(tx, detail.conversationId));
    if (place && place.position > MAX_QUEUE_IN_EVENT) emitPlace(live, place);
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
  const { id: conversationId, status, assignee, inbox, reopenUntil } = conversation;
  return [
    ...messages.map((message) => messageStored(workspaceId, { message, channel: inbox.channel })),
    conversationMoved(workspaceId, { conversationId, status, agent: assignee ?? undefined, reopenUntil }),
    conversationListed(workspaceId, conversation),
    ...(status === 'waiting' ? [conversationQueued(workspaceId, { conversationId })] : []),
    ...(request
      ? [handoffRequested(workspaceId, { conversationId, reason: request.reason, question: request.question })]
      : []),
    queueTouched(workspaceId),
    tailTouched(workspaceId),
  ];
};

/** What is told of conversations that ended with their inbox. */
export const changesOfClosed = (
  workspaceId: string,
  channel: Conversation['inbox']['channel'],
  closed: readonly { conversationId: string; line: Message }[],
): Change[] =>
  closed.length === 0
    ? []
    : [
        ...closed.flatMap(({ conversationId, line }) => [
          messageStored(workspaceId, { message: line, channel }),
          conversationMoved(workspaceId, { conversationId, status: 'resolved' }),
        ]),
        queueTouched(workspaceId),
        tailTouched(workspaceId),
      ];
