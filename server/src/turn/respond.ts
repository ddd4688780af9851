import type { ChannelName, Choice, Citation, Message } from '@parley/contract';
import { channels, isLive } from '../channels/registry.ts';
import type { Say } from '../engine/texts/texts.ts';
import type { Saying } from '../engine/types.ts';
import type { InboxRuntime } from '../features/inboxes/directory.ts';
import { deliveryDue, messageStored, messageUpdated, paragraphSaid } from '../features/messages/changes.ts';
import { appendOnce, cite } from '../features/messages/commands.ts';
import { messageFacts } from '../features/messages/facts.ts';
import type { DeliveryKey } from '../features/messages/topics.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import { stageMetrics } from '../ai/stages.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import type { Publish } from '../platform/publish/publish.ts';
import type { EmitTyping } from '../platform/publish/typing.ts';
import type { Store } from '../platform/data/tenant.ts';
import { carried, inSpan } from '../platform/telemetry/tracing.ts';
import { begunWith } from './deliveries.ts';
import { LEASE_MS } from './lease.ts';
import type { ClaimedDelivery, Lease } from './lease.ts';
import type { ThreadKey } from './threads.ts';

/** Begins a delivery in this process. */
export type BeginDelivery = (key: DeliveryKey, delivery: ClaimedDelivery) => void;

/** A guarded write was refused: a human owns the conversation now, or another process has the thread. */
export class TurnStopped extends Error {
  constructor() {
    super('the turn was stopped');
    this.name = 'TurnStopped';
  }
}

export type Responder = {
  respond(paragraph: Saying, texts: Say): Promise<void>;
  /** adds sources to the last paragraph; nothing where there is none */
  cite(citations: Citation[]): Promise<void>;
  /** paragraphs of this turn so far, with those of an earlier try */
  paragraphs(): number;
  /** tells clients that no paragraph follows */
  end(): void;
};

/**
 * The paragraphs of a bot during one turn. Each is a message row, a socket event and a delivery, kept together by one
 * statement that also proves that the bot may still answer: the state is still `bot`, the lease is still ours.
 */
export function createResponder(
  deps: {
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
    /** id null: the inbox answers for itself, it has no bot */
    bot: { id: string | null; name: string };
    channel: ChannelName;
    alreadySent: number;
  },
): Responder {
  const { store, publish, log, metrics, beginDelivery } = deps;
  const { conversationId, turnId, lease } = turn;
  const { workspaceId, inboxId, threadKey } = turn.key;
  const key = { workspaceId, threadId: lease.threadId };
  const deliver = !isLive(turn.channel);
  const canTap = channels[turn.channel].choices === true;
  let ordinal = turn.alreadySent;

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
    respond: ({ text, citations, choices = [] }, texts) =>
      inSpan('paragraph', { attributes: { 'parley.ordinal': ordinal } }, async () => {
        const started = performance.now();
        const made = await appendOnce(
          store,
          { workspaceId, conversationId },
          [
            {
              author: { type: 'bot', id: turn.bot.id, name: turn.bot.name },
              text: canTap ? text : withNumbers(text, choices, texts),
              citations: citations ?? [],
              ...(choices.length > 0 ? { payload: { choices } } : {}),
              turnId,
              ordinal,
              deliver,
            },
          ],
          {
            guard: { status: ['bot', 'waiting'], lease },
            ...(beginDelivery ? { sendFor: LEASE_MS / 1_000 } : {}),
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
            beginDelivery(key, begunWith({ id: sending.id, requestId: carried() ?? null, inboxId, threadKey }, first));
          } else if (deliver) publish([deliveryDue(workspaceId, { threadId: key.threadId })]);
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
    paragraphs: () => ordinal,
    end: () => chunk({ text: '', ordinal }, true),
  };
}

/** Choices on a platform without buttons: numbers to answer with. */
export const withNumbers = (text: string, choices: Choice[], texts: Say): string =>
  choices.length === 0
    ? text
    : [text, ...choices.map((choice, index) => `${index + 1}. ${choice.text}`), texts('replyWithNumber')].join('\n');

/** An answer that is there at once needs no indicator, and platforms count each of them as a request. */
const AFTER_MS = 250;
/** Platforms forget an indicator after about five seconds. */
const REPEAT_MS = 4_000;

/** Shows that the bot is at work, only while it is. Failing to show it disturbs nothing. */
export function createTyping(deps: {
  emitTyping: EmitTyping;
  log: Logger;
  /** the platform's own indicator; undefined where it has none */
  onPlatform: (inbox: InboxRuntime, threadKey: string, conversationId: string) => (() => Promise<void>) | undefined;
}) {
  /** those that wait to be shown, and those that are */
  const waiting = new Map<string, NodeJS.Timeout>();
  const shown = new Map<string, NodeJS.Timeout | undefined>();

  const emit = (conversationId: string, name: string | null, typing: boolean): void =>
    deps.emitTyping({ conversationId, who: 'bot', name, typing });

  return {
    start(conversationId: string, inbox: InboxRuntime, threadKey: string, name: string): void {
      if (waiting.has(conversationId) || shown.has(conversationId)) return;
      const begin = (): void => {
        waiting.delete(conversationId);
        emit(conversationId, name, true);
        const show = deps.onPlatform(inbox, threadKey, conversationId);
        const showAgain = () => {
          show?.().catch((error: unknown) => deps.log.debug({ err: error }, 'typing was not shown'));
        };
        showAgain();
        shown.set(conversationId, show ? setInterval(showAgain, REPEAT_MS) : undefined);
      };
      waiting.set(conversationId, setTimeout(begin, AFTER_MS));
    },
    stop(conversationId: string): void {
      clearTimeout(waiting.get(conversationId));
      waiting.delete(conversationId);
      if (!shown.has(conversationId)) return;
      clearInterval(shown.get(conversationId));
      shown.delete(conversationId);
      emit(conversationId, null, false);
    },
    close(): void {
      for (const timer of waiting.values()) clearTimeout(timer);
      for (const timer of shown.values()) clearInterval(timer);
      waiting.clear();
      shown.clear();
    },
  };
}
export type Typing = ReturnType<typeof createTyping>;
