import { createAnswerer } from '../ai/answer.ts';
import { aiMetrics } from '../ai/metrics.ts';
import { createQuestionAnswerer } from '../ai/question.ts';
import type { QuestionAnswerer } from '../ai/question.ts';
import { modelSettings } from '../ai/settings.ts';
import { stageMetrics } from '../ai/stages.ts';
import type { Channel, ChannelHttp } from '../channels/contract.ts';
import { createChannelHttp } from '../channels/http.ts';
import { channels } from '../channels/registry.ts';
import { apiVariable, channelSettings } from '../channels/settings.ts';
import { filesHandler } from '../engine/handlers/files.ts';
import { personHandler } from '../engine/handlers/person.ts';
import { createQaHandler } from '../engine/handlers/qa.ts';
import { smallTalkHandler } from '../engine/handlers/small-talk.ts';
import { waitingHandler } from '../engine/handlers/waiting.ts';
import { createRouter } from '../engine/router.ts';
import type { Router } from '../engine/router.ts';
import { defineFeature } from '../feature.ts';
import { readFile } from '../features/files/queries.ts';
import { createLastEvent } from '../features/inboxes/last-event.ts';
import { createCredentialRefresh } from '../features/inboxes/refresh.ts';
import type { Config } from '../platform/config/config.ts';
import type { SettingsOf } from '../platform/config/define.ts';
import { backlogSignal } from '../platform/limits/pressure-signals.ts';
import { inEachWorkspace } from '../features/workspaces/commands.ts';
import { createDelivery } from './deliver.ts';
import type { ClientOf } from './deliver.ts';
import { sendContext } from './deliveries.ts';
import { backlogSeconds, registerBacklogGauges } from './gauges.ts';
import { createListeners } from './listeners.ts';
import { createMailbox } from './mailbox.ts';
import { turnMetrics } from './metrics.ts';
import { createMediaFetcher, dueFiles, forgetOldFetches } from './media.ts';
import { createReceive } from './receive.ts';
import type { Receive } from './receive.ts';
import { createTyping } from './respond.ts';
import { createDedupeRetention, forgetDeliveries, forgetTurns } from './retention.ts';
import { eventSettings } from './settings.ts';
import { dueDeliveries, freeLeasesOfTheDead, pendingThreads } from './sweeps.ts';
import { THREAD } from './threads.ts';
import { createTurns } from './turn.ts';
import { webhookRoutes } from './webhooks.ts';

/** Where the platform is; a channel without one calls nobody. */
const apiOf = (kit: { config: Config; settingsOf: SettingsOf }, { api }: Channel): string =>
  api ? (kit.settingsOf(channelSettings)[apiVariable(api.name)] ?? api.url) : kit.config.publicUrl;

type OfChannel = { workspaceId: string; channel: keyof typeof channels };

declare module '../kit.ts' {
  interface Services {
    /** Stores what a platform sent, and wakes the process that works on it. */
    receive: Receive;
    /** Answers a question outside of any conversation. */
    answerQuestion: QuestionAnswerer;
    /** What a bot does with what a customer says, wherever it is said. */
    route: Router;
    /** What a channel may use of the outside. */
    channelClient: (inbox: OfChannel) => ChannelHttp;
  }
}

/** The path of a message, from what a platform sent to what is sent to it, with the roles this process has of it. */
export const messagePath = defineFeature({
  name: 'turn',
  tables: ['threads', 'inbound_events', 'inbound_ids', 'turns', 'deliveries'],
  busy: ['threads', 'inbound_events', 'inbound_ids', 'turns', 'deliveries'],
  months: { inbound_events: (settingsOf) => settingsOf(eventSettings).PARLEY_RETENTION_EVENTS },
  uses: [
    ...([
      'config',
      'log',
      'metrics',
      'tracing',
      'database',
      'store',
      'wake',
      'outbound',
      'storage',
      'publish',
    ] as const),
    ...(['emitTyping', 'placements', 'pace', 'inboxes', 'findInbox', 'bots', 'embedder'] as const),
    ...(['settingsOf', 'receive', 'answerQuestion', 'route', 'channelClient', 'keyring', 'makeLimiter'] as const),
  ],
  settings: [modelSettings, channelSettings, eventSettings],
  metrics: [turnMetrics, stageMetrics, aiMetrics],
  topics: { work: [THREAD] },
  provides: {
    channelClient:
      ({ config, settingsOf, outbound, store, storage }) =>
      (inbox) =>
        createChannelHttp({
          channel: channels[inbox.channel],
          baseUrl: apiOf({ config, settingsOf }, channels[inbox.channel]),
          outbound,
          readFile: async ({ id }) =>
            (await readFile({ store, storage }, { workspaceId: inbox.workspaceId, id })).bytes,
        }),
    receive({ store, wake, metrics, log }) {
      const received = createReceive({ store, wake, metrics, log });
      const noteLastEvent = createLastEvent({ store, log });
      return async (inbox, events) => {
        const result = await received(inbox, events);
        if (result.stored > 0) noteLastEvent(inbox);
        return result;
      };
    },
    answerQuestion: ({ settingsOf, store, embedder, outbound, pace, log, metrics }) =>
      createQuestionAnswerer({
        ...{ store, embedder, log, metrics, outbound, ...settingsOf(modelSettings) },
        answer: createAnswerer({ embedder, outbound, idleMs: pace.modelIdleMs, backoffMs: pace.modelRetryMs }),
      }),
    route: ({ answerQuestion }) =>
      createRouter([waitingHandler, personHandler, smallTalkHandler, filesHandler, createQaHandler(answerQuestion)]),
  },
  setUp(kit) {
    const { config, log, metrics, database, store, wake, channelClient } = kit;
    const { worker } = config.roles;
    const credentialsOf = createCredentialRefresh({ ...kit, http: channelClient });
    const clientOf: ClientOf = async (inbox) => ({
      channel: channels[inbox.channel],
      http: channelClient(inbox),
      credentials: await credentialsOf(inbox),
    });
    const typing = createTyping({
      emitTyping: kit.emitTyping,
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
    const delivery = worker.delivery ? createDelivery({ ...kit, clientOf }) : undefined;
    const listeners = worker.turn ? createListeners({ ...kit, clientOf }) : undefined;
    const turns = createTurns({ ...kit, typing, beginDelivery: delivery?.begin });
    const mailbox = worker.turn
      ? createMailbox({ ...kit, work: turns.work, deadLetter: turns.deadLetter, retryMs: kit.pace.roundRetryMs })
      : undefined;
    const media = createMediaFetcher({ ...kit, clientOf });
    registerBacklogGauges({ metrics, store, log });

    return {
      pages: (http) => webhookRoutes(http, { ...kit, environment: kit.settingsOf(channelSettings) }),
      reactions: [media.reaction],
      sweeps: [
        pendingThreads(wake),
        dueDeliveries(wake),
        dueFiles(wake),
        forgetOldFetches,
        { name: 'ids of platforms', run: createDedupeRetention(store) },
        ...(listeners ? [{ name: 'listeners', run: listeners.look }] : []),
      ],
      signals: config.roles.api ? [backlogSignal(backlogSeconds(store))] : [],
      deleteExpired: { messages: (before) => inEachWorkspace(store, [forgetDeliveries, forgetTurns], before) },
      recover: () => freeLeasesOfTheDead(database, kit.placements.schemas()),
      async close() {
        await listeners?.close();
        await mailbox?.close();
        await delivery?.close();
        await media.close();
        typing.close();
        turns.close();
      },
    };
  },
});
