import type { ChannelName, Citation, Message } from '@parley/contract';
import { channels } from '../channels/registry.ts';
import type { Saying } from '../engine/types.ts';
import { deliveryDue, messageStored, messageUpdated, paragraphSaid } from '../features/messages/changes.ts';
import { appendOnce, cite } from '../features/messages/commands.ts';
import { messageFacts } from '../features/messages/facts.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import { stageMetrics } from '../ai/stages.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import type { Publish } from '../platform/publish/publish.ts';
import type { Store } from '../platform/data/tenant.ts';
import { carried, inSpan } from '../platform/telemetry/tracing.ts';
import type { Lease } from './lease.ts';
import { begunWith, LEASE_SECONDS } from './delivery-lane.ts';
import type { Claimed } from './delivery-lane.ts';
import type { DeliveryKey } from '../features/messages/topics.ts';
import type { ThreadKey } from './topics.ts';

/** Begins a delivery in this process. */
export type BeginDelivery = (lane: DeliveryKey, delivery: Claimed) => void;

/** A guarded write was refused: a human owns the conversation now, or another process has the thread. */
export class TurnStopped extends Error {
  constructor() {
    super('the turn was stopped');
    this.name = 'TurnStopped';
  }
}

export type Speaker = {
  say(saying: Saying): Promise<void>;
  /** adds sources to the last paragraph; nothing when nothing was said */
  cite(citations: Citation[]): Promise<void>;
  /** paragraphs of this turn so far, with those of an earlier try */
  said(): number;
  /** tells clients that no paragraph follows */
  end(): void;
};

/**
 * A bot's voice during one turn. A paragraph is a message row, a socket event and a delivery, kept together by one
 * statement that also proves that the bot may still speak: the state is still `bot`, the lease is still ours.
 */
export function createSpeaker(
  parts: {
    store: Store;
    publish: Publish;
    log: Logger;
    metrics: Metrics;
    beginDelivery: BeginDelivery | undefined;
  },
  turn: {
    key: ThreadKey;
    conversationId: string;
    turnId: string;
    lease: Lease;
    /** id null: the inbox speaks for itself, it has no bot */
    bot: { id: string | null; name: string };
    channel: ChannelName;
    alreadySaid: number;
  },
): Speaker {
  const { store, publish, log, metrics, beginDelivery } = parts;
  const { conversationId, turnId, lease } = turn;
  const { workspaceId, inboxId, threadKey } = turn.key;
  const lane = { workspaceId, threadId: lease.threadId };
  const isLive = channels[turn.channel].live === true;
  let ordinal = turn.alreadySaid;

  const chunk = (message: Pick<Message, 'text'> & { ordinal: number }, last: boolean): void =>
    publish([
      paragraphSaid(workspaceId, {
        conversationId,
        turnId,
        ordinal: message.ordinal,
        text: message.text,
        last,
        channel: turn.channel,
      }),
    ]);

  return {
    say: ({ text, citations }) =>
      inSpan('paragraph', { attributes: { 'parley.ordinal': ordinal } }, async () => {
        const started = performance.now();
        const made = await appendOnce(
          store,
          { workspaceId, conversationId },
          [
            {
              author: { type: 'bot', id: turn.bot.id, name: turn.bot.name },
              text,
              citations: citations ?? [],
              turnId,
              ordinal,
              deliver: !isLive,
            },
          ],
          {
            guard: { status: 'bot', lease },
            ...(beginDelivery ? { sendFor: LEASE_SECONDS } : {}),
            facts: (_message, id) => [
              messageFacts.make('message.sent', { workspaceId, subjectId: id, payload: { conversationId, turnId } }),
            ],
          },
        );
        if (made.outcome === 'refused') throw new TurnStopped();
        if (made.outcome === 'stored') {
          for (const message of made.messages) {
            chunk({ text: message.text, ordinal }, false);
            publish([messageStored(workspaceId, { message, channel: turn.channel })]);
          }
          const { sending } = made;
          const first = made.messages.find((message) => message.id === sending?.messageId);
          if (beginDelivery && sending && first) {
            beginDelivery(lane, begunWith({ id: sending.id, requestId: carried() ?? null, inboxId, threadKey }, first));
          } else if (!isLive) publish([deliveryDue(workspaceId, { threadId: lane.threadId })]);
        }
        metrics.of(stageMetrics).turnStages.observe({ stage: 'paragraph' }, (performance.now() - started) / 1_000);
        log.debug({ turnId, ordinal, outcome: made.outcome }, 'a paragraph is stored');
        ordinal += 1;
      }),
    async cite(citations) {
      if (ordinal === 0) return;
      const message = await store.inWorkspace(workspaceId, (tx) =>
        cite(tx, { conversationId, turnId, ordinal: ordinal - 1 }, citations),
      );
      if (message) publish([messageUpdated(workspaceId, { message, channel: turn.channel })]);
    },
    said: () => ordinal,
    end: () => chunk({ text: '', ordinal }, true),
  };
}
