import { createAnswerer } from './ai/answer.ts';
import { createQuestionAnswerer } from './ai/question.ts';
import type { ChannelHttp } from './channels/contract.ts';
import { createChannelHttp } from './channels/http.ts';
import { channels } from './channels/registry.ts';
import { filesHandler } from './engine/handlers/files.ts';
import { personHandler } from './engine/handlers/person.ts';
import { createQaHandler } from './engine/handlers/qa.ts';
import { smallTalkHandler } from './engine/handlers/small-talk.ts';
import { createRouter } from './engine/router.ts';
import type { BotDirectory } from './features/bots/lookup.ts';
import { movedTo } from './features/conversations/desk.ts';
import { findConversation } from './features/conversations/queries.ts';
import { wakeUp } from './features/conversations/commands.ts';
import { createDesk } from './features/conversations/desk.ts';
import { readFile } from './features/files/queries.ts';
import { createLastEvent } from './features/inboxes/last-event.ts';
import type { InboxDirectory } from './features/inboxes/lookup.ts';
import { createCredentialRefresh } from './features/inboxes/refresh.ts';
import type { KnowledgeProcessing } from './features/knowledge/processors.ts';
import type { WebhookDirectory } from './features/webhooks/lookup.ts';
import { createWebhooks } from './features/webhooks/processors.ts';
import { tellWebhooks } from './features/webhooks/reactions.ts';
import { facts } from './facts.ts';
import type { Embedder } from './knowledge/embed.ts';
import type { Outbound } from './platform/breaker.ts';
import type { Config } from './platform/config.ts';
import type { Keyring } from './platform/crypto.ts';
import type { Jobs } from './platform/jobs.ts';
import type { MakeLimiter } from './platform/limiter.ts';
import type { Logger } from './platform/log.ts';
import type { Metrics } from './platform/metrics.ts';
import { createCatalogue } from './platform/facts/define.ts';
import { createReactions } from './platform/facts/reactions.ts';
import { createRelay } from './platform/facts/relay.ts';
import type { Outside } from './platform/outside.ts';
import type { Publish } from './platform/publish/publish.ts';
import type { EmitTyping } from './platform/publish/typing.ts';
import type { Storage } from './platform/storage.ts';
import type { Store } from './platform/tenant.ts';
import type { Tracing } from './platform/tracing.ts';
import type { Wake } from './platform/wake.ts';
import { queues } from './queues.ts';
import { createDelivery } from './turn/deliver.ts';
import type { ClientOf } from './turn/deliver.ts';
import { createListeners } from './turn/listeners.ts';
import { createMailbox } from './turn/mailbox.ts';
import { createMediaFetcher } from './turn/media.ts';
import { createReceive } from './turn/receive.ts';
import type { Receive } from './turn/receive.ts';
import { sendContext } from './turn/send-context.ts';
import { createSweeper } from './turn/sweeper.ts';
import { createIdTrim } from './turn/trim.ts';
import { createTurns } from './turn/turn.ts';
import { createTyping } from './turn/typing.ts';

export type Pace = {
  /** milliseconds of silence after which a model counts as hanging */
  modelIdleMs?: number;
  /** first wait before a model is asked again; it doubles */
  modelRetryMs?: number;
  /** first wait before a failed round of a mailbox is tried again; it doubles */
  roundRetryMs?: number;
  /** how long somebody without a socket is still shown as present */
  leaveAfterMs?: number;
};

export type PathParts = {
  config: Config;
  log: Logger;
  metrics: Metrics;
  tracing: Tracing;
  store: Store;
  wake: Wake;
  jobs: Jobs;
  outbound: Outbound;
  outside: Outside;
  keyring: Keyring;
  storage: Storage;
  makeLimiter: MakeLimiter;
  emitTyping: EmitTyping;
  publish: Publish;
  embedder: Embedder;
  knowledge: KnowledgeProcessing;
  inboxes: InboxDirectory;
  bots: BotDirectory;
  webhooks: WebhookDirectory;
  pace: Pace;
};

type Channelled = { workspaceId: string; channel: keyof typeof channels };

/** The path of a message, from what a platform sent to what it is told, with the roles this process has of it. */
export function createPath(parts: PathParts) {
  const { config, log, metrics, tracing, store, wake, jobs, outbound, storage, publish } = parts;
  const { embedder, knowledge, inboxes, bots, pace } = parts;
  const { worker } = config.roles;

  // the ways in and out
  const channelHttp = (inbox: Channelled): ChannelHttp => {
    const channel = channels[inbox.channel];
    return createChannelHttp({
      channel,
      baseUrl: channel.api ? config.channels[channel.api.name].apiUrl : config.publicUrl,
      outbound,
      readFile: async ({ id }) => (await readFile({ store, storage }, { workspaceId: inbox.workspaceId, id })).bytes,
    });
  };
  const credentialsOf = createCredentialRefresh({ store, keyring: parts.keyring, wake, http: channelHttp });
  const clientOf: ClientOf = async (inbox) => ({
    channel: channels[inbox.channel],
    http: channelHttp(inbox),
    credentials: await credentialsOf(inbox),
  });
  const received = createReceive({ store, wake, metrics, log });
  const noteLastEvent = createLastEvent({ store, log });
  const receive: Receive = async (inbox, events) => {
    const result = await received(inbox, events);
    if (result.stored > 0) noteLastEvent(inbox);
    return result;
  };

  // the bot's turn
  const answerQuestion = createQuestionAnswerer({
    store,
    embedder,
    answer: createAnswerer({ embedder, outbound, idleMs: pace.modelIdleMs, backoffMs: pace.modelRetryMs }),
    models: config.models,
    prices: config.prices,
    log,
    metrics,
    outbound,
  });
  const route = createRouter([personHandler, smallTalkHandler, filesHandler, createQaHandler(answerQuestion)]);
  const typing = createTyping({
    emitTyping: parts.emitTyping,
    log,
    onPlatform: (inbox, threadKey, conversationId) => {
      const show = channels[inbox.channel].typing;
      const { workspaceId } = inbox;
      const context = sendContext(store, { workspaceId, conversationId, threadKey, attemptKey: '' });
      return (
        show &&
        (async () => {
          const { http, credentials } = await clientOf(inbox);
          await show(context, credentials, http);
        })
      );
    },
  });
  const delivery = worker.delivery
    ? createDelivery({ store, wake, publish, log, metrics, tracing, inboxes, clientOf, makeLimiter: parts.makeLimiter })
    : undefined;
  const turns = createTurns({
    store,
    publish,
    wake,
    log,
    metrics,
    inboxes,
    bots,
    route,
    typing,
    beginDelivery: delivery?.begin,
  });
  const mailbox = worker.turn
    ? createMailbox({
        store,
        wake,
        log,
        metrics,
        tracing,
        work: turns.work,
        deadLetter: turns.deadLetter,
        retryMs: pace.roundRetryMs,
      })
    : undefined;

  // a person's turn
  const desk = createDesk({ store, publish });

  // facts and what reacts to them
  const webhooks = createWebhooks({
    store,
    wake,
    log,
    metrics,
    outbound,
    outside: parts.outside,
    keyring: parts.keyring,
    queue: jobs.define(queues.webhooks),
  });
  const reactions = createReactions({
    jobs,
    catalogue: createCatalogue(facts),
    reactions: [
      createMediaFetcher({ store, storage, publish, log, inboxes, clientOf }),
      tellWebhooks({ directory: parts.webhooks, tell: webhooks.tell }),
    ],
  });
  const relay = createRelay({ store, wake, log, reactions });
  if (worker.facts) {
    reactions.work(relay.handled);
    webhooks.work();
  }
  if (worker.knowledge) knowledge.work();

  const listeners = worker.turn ? createListeners({ store, log, inboxes, receive, clientOf }) : undefined;
  const sweeper = createSweeper({
    store,
    wake,
    log,
    wakeUp: async (workspaceId, conversationId) => {
      const woken = await store.inWorkspace(workspaceId, async (tx) => {
        const changed = await wakeUp(tx, { workspaceId, conversationId });
        return changed && { changed, conversation: await findConversation(tx, conversationId) };
      });
      if (!woken) return;
      const { changed, conversation } = woken;
      publish(movedTo(workspaceId, conversation, changed.message ? [changed.message] : []));
    },
    also: [
      async () => void (await knowledge.resumeUnfinished()),
      relay.again,
      relay.trim,
      webhooks.look,
      ...(listeners ? [listeners.look] : []),
      createIdTrim(store),
      () => store.mirror(),
    ],
  });

  return {
    receive,
    answerQuestion,
    desk,
    channelHttp,
    sendWebhook: webhooks.sendNow,
    /** Every worker looks for what is lost: in a process of its own nothing else tells it of work. */
    start(): void {
      if (Object.values(worker).some((isOn) => isOn)) sweeper.start();
    },
    /** Running turns and sends finish or hand themselves over. */
    async close(): Promise<void> {
      await sweeper.close();
      await listeners?.close();
      await mailbox?.close();
      await delivery?.close();
      await relay.close();
      await jobs.close();
      for (const part of [typing, turns]) part.close();
    },
  };
}
export type Path = ReturnType<typeof createPath>;
