import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { createAnswerer } from './ai/answer.ts';
import { createQuestionAnswerer } from './ai/question.ts';
import type { ChannelHttp } from './channels/contract.ts';
import { createChannelHttp } from './channels/http.ts';
import { channels } from './channels/registry.ts';
import { createDemo } from './demo.ts';
import { filesHandler } from './engine/handlers/files.ts';
import { personHandler } from './engine/handlers/person.ts';
import { createQaHandler } from './engine/handlers/qa.ts';
import { smallTalkHandler } from './engine/handlers/small-talk.ts';
import { createRouter } from './engine/router.ts';
import { createAsk } from './features/bots/ask.ts';
import { createBotDirectory } from './features/bots/lookup.ts';
import { botRoutes } from './features/bots/routes.ts';
import { contactRoutes } from './features/contacts/routes.ts';
import { createConversationAnnouncer } from './features/conversations/announce.ts';
import { announceMessage } from './features/messages/announce.ts';
import { wakeUp } from './features/conversations/commands.ts';
import { createDesk } from './features/conversations/desk.ts';
import { conversationRoutes } from './features/conversations/routes.ts';
import { readFile } from './features/files/queries.ts';
import { fileRoutes } from './features/files/routes.ts';
import { createQueueAnnouncer } from './features/handoffs/announce.ts';
import { handoffRoutes } from './features/handoffs/routes.ts';
import { createLastEvent } from './features/inboxes/last-event.ts';
import { createInboxDirectory } from './features/inboxes/lookup.ts';
import { inboxRoutes } from './features/inboxes/routes.ts';
import { createKnowledgeProcessing } from './features/knowledge/processors.ts';
import { knowledgeRoutes } from './features/knowledge/routes.ts';
import { setPresence } from './features/members/commands.ts';
import { memberRoutes } from './features/members/routes.ts';
import { createAccess } from './features/sessions/access.ts';
import { meRoutes } from './features/sessions/me-routes.ts';
import { sessionRoutes } from './features/sessions/routes.ts';
import { ensureSetup } from './features/sessions/setup.ts';
import { createSignIn } from './features/sessions/sign-in.ts';
import { createThrottle } from './features/sessions/throttle.ts';
import { createAccessTokens } from './features/sessions/tokens.ts';
import { visitorPages } from './features/visitors/pages.ts';
import { visitorRoutes } from './features/visitors/routes.ts';
import { createVisitorTokens } from './features/visitors/token.ts';
import { workspaceRoutes } from './features/workspaces/routes.ts';
import { createBundledEmbedder } from './knowledge/embed.ts';
import { createOutbound } from './platform/breaker.ts';
import type { Config } from './platform/config.ts';
import { createKeyring } from './platform/crypto.ts';
import { openDatabase } from './platform/db/index.ts';
import { maintainEmbedded } from './platform/db/maintain.ts';
import { createHttp, serveDashboard } from './platform/http/index.ts';
import type { Http } from './platform/http/index.ts';
import type { Limits } from './platform/http/index.ts';
import { createJobs } from './platform/jobs.ts';
import { createLimiter } from './platform/limiter.ts';
import type { Logger } from './platform/log.ts';
import { createMetrics } from './platform/metrics.ts';
import { createRelay, RelayedFact } from './platform/outbox.ts';
import { createPasswords } from './platform/password.ts';
import { createRealtime, rooms } from './platform/realtime.ts';
import { createStorage } from './platform/storage.ts';
import { createStore } from './platform/tenant.ts';
import { createWake } from './platform/wake.ts';
import { openSockets } from './sockets.ts';
import { createDelivery } from './turn/deliver.ts';
import { createMailbox } from './turn/mailbox.ts';
import { createMediaFetcher } from './turn/media.ts';
import { createReceive } from './turn/receive.ts';
import type { Receive } from './turn/receive.ts';
import { freeLeasesOfTheDead } from './turn/recover.ts';
import { createSweeper } from './turn/sweeper.ts';
import { DELIVERY, TAKEN_OVER, writeLaneKey } from './turn/topics.ts';
import { createTurns } from './turn/turn.ts';
import { createTyping } from './turn/typing.ts';
import { webhookRoutes } from './turn/webhooks.ts';

const DASHBOARD = fileURLToPath(new URL('../../dashboard/dist', import.meta.url));
const WIDGET = fileURLToPath(new URL('../../widget/dist', import.meta.url));

export type App = Awaited<ReturnType<typeof createApp>>;

export type AppOptions = {
  limits?: Partial<Limits>;
  pace?: {
    /** milliseconds of silence after which a model counts as hanging */
    modelIdleMs?: number;
    /** first wait before a model is asked again; it doubles */
    modelRetryMs?: number;
    /** first wait before a failed round of a mailbox is tried again; it doubles */
    roundRetryMs?: number;
  };
};

/** Every part of the product, by name. Nothing is constructed anywhere else, and nothing runs before `start`. */
export async function createApp(config: Config, log: Logger, options: AppOptions = {}) {
  // platform
  const metrics = createMetrics();
  const database = await openDatabase(config, log);
  const maintenance = maintainEmbedded(database, log);
  const store = createStore(database);
  const wake = createWake((error, topic) => log.error({ err: error, topic }, 'woken work failed'));
  const jobs = createJobs({ config, database, log });
  const outbound = createOutbound({ log, metrics });
  const keyring = createKeyring(config);
  const storage = createStorage(config);
  const realtime = createRealtime({ log });
  const { live } = realtime;

  // rooms of the house
  const passwords = createPasswords();
  const accessTokens = createAccessTokens(config.secrets.jwtSecret);
  const access = createAccess({ store, wake, tokens: accessTokens });
  const signIn = createSignIn({ store, passwords, tokens: accessTokens, access, throttle: createThrottle() });
  const visitorTokens = createVisitorTokens(config.secrets.jwtSecret);
  const inboxes = createInboxDirectory({ store, keyring, wake });
  const bots = createBotDirectory({ store, wake });
  const embedder = createBundledEmbedder();
  const knowledge = createKnowledgeProcessing({ store, storage, jobs, embedder, live, log });
  const conversations = createConversationAnnouncer({ store, live, log });
  const queue = createQueueAnnouncer({ store, live, log });
  const door = (inbox: { workspaceId: string; channel: keyof typeof channels }): ChannelHttp =>
    createChannelHttp({
      channel: inbox.channel,
      baseUrl: inbox.channel === 'telegram' ? config.channels.telegram.apiUrl : config.publicUrl,
      outbound,
      readFile: async ({ id }) => (await readFile({ store, storage }, { workspaceId: inbox.workspaceId, id })).bytes,
    });
  const channelOf = (inbox: { workspaceId: string; channel: keyof typeof channels }) => ({
    channel: channels[inbox.channel],
    http: door(inbox),
  });
  const isLive = (channel: keyof typeof channels): boolean => channels[channel].live === true;

  // the path of a message
  const received = createReceive({ store, wake, metrics });
  const noteLastEvent = createLastEvent({ store, log });
  const receive: Receive = async (inbox, events) => {
    const result = await received(inbox, events);
    if (result.stored > 0) noteLastEvent(inbox);
    return result;
  };
  const answerQuestion = createQuestionAnswerer({
    store,
    embedder,
    answer: createAnswerer({
      embedder,
      outbound,
      idleMs: options.pace?.modelIdleMs,
      backoffMs: options.pace?.modelRetryMs,
    }),
    models: config.models,
    metrics,
    outbound,
  });
  const route = createRouter([personHandler, smallTalkHandler, filesHandler, createQaHandler(answerQuestion)]);
  const typing = createTyping({
    live,
    log,
    onPlatform: (inbox, threadKey) => {
      const { channel, http: platform } = channelOf(inbox);
      const show = channel.typing;
      return show && (() => show({ threadKey }, inbox.credentials, platform));
    },
  });
  const turns = createTurns({
    store,
    live,
    wake,
    log,
    metrics,
    inboxes,
    bots,
    route,
    typing,
    channelIsLive: (inbox) => isLive(inbox.channel),
    conversations,
    queue,
  });
  const mailbox = config.roles.worker.turn
    ? createMailbox({
        store,
        wake,
        log,
        work: turns.work,
        giveUp: turns.giveUp,
        retryMs: options.pace?.roundRetryMs,
      })
    : undefined;
  const delivery = config.roles.worker.delivery
    ? createDelivery({ store, wake, live, log, metrics, inboxes, channelOf })
    : undefined;
  const desk = createDesk({
    store,
    live,
    queue,
    takenOver: (conversationId) => wake.wake(TAKEN_OVER, conversationId),
    deliver: (workspaceId, threadId) => wake.wake(DELIVERY, writeLaneKey({ workspaceId, threadId })),
    channelIsLive: isLive,
  });

  // facts and what reacts to them
  const reactions: Record<string, (fact: RelayedFact) => Promise<void>> = {
    'message.received_with_media': createMediaFetcher({ store, storage, live, log, inboxes, channelOf }),
  };
  const facts = jobs.define({ name: 'facts', schema: RelayedFact, concurrency: 4 });
  const relay = createRelay({
    store,
    wake,
    log,
    wanted: (type) => Object.hasOwn(reactions, type),
    hand: (fact) => facts.add(fact, { jobId: fact.id }),
  });
  if (config.roles.worker.facts) facts.process(async (fact) => reactions[fact.type]?.(fact));
  if (config.roles.worker.knowledge) knowledge.work();

  const sweeper = createSweeper({
    store,
    wake,
    log,
    wakeUp: async (workspaceId, conversationId) => {
      const woken = await store.inWorkspace(workspaceId, (tx) => wakeUp(tx, { workspaceId, conversationId }));
      if (woken?.message) announceMessage(live, woken.message);
      conversations.changed(workspaceId, conversationId);
    },
    also: [async () => void (await knowledge.resumeUnfinished())],
  });

  // doors
  const demo = createDemo({ store, storage, knowledge, log });
  const http = await createHttp({
    config,
    log,
    metrics,
    authenticate: access.authenticate,
    health: {
      probes: { database: () => store.statement('select 1', []) },
      breakers: outbound.states,
    },
    ...(options.limits ? { limits: options.limits } : {}),
  });
  const ownOrigin = () => new URL(config.publicUrl).origin;
  webhookRoutes(http, { inboxes, receive });
  await http.register(
    async (api: Http) => {
      sessionRoutes(api, { store, signIn });
      meRoutes(api, { store, live });
      workspaceRoutes(api, { store });
      memberRoutes(api, { store, wake, config });
      botRoutes(api, { store, wake, ask: createAsk({ store, answerQuestion }) });
      knowledgeRoutes(api, { store, storage, wake, embedder, live, processing: knowledge });
      inboxRoutes(api, { store, keyring, wake, log, config, door });
      contactRoutes(api, { store });
      conversationRoutes(api, { store, desk });
      handoffRoutes(api, { store, pickUp: desk.pickUp });
      fileRoutes(api, { store, storage });
      visitorRoutes(api, {
        store,
        storage,
        inboxes,
        bots,
        tokens: visitorTokens,
        ownOrigin: ownOrigin(),
        uploadLimit: createLimiter({ capacity: 30, refillPerSecond: 0.1 }),
      });
    },
    { prefix: '/api/v1' },
  );
  visitorPages(http, {
    inboxes,
    widgetFolder: WIDGET,
    publicUrl: config.publicUrl,
    demoToken: demo.token,
  });
  if (existsSync(DASHBOARD)) await serveDashboard(http, DASHBOARD);

  const sockets = openSockets({
    realtime,
    wake,
    log,
    metrics,
    access,
    inboxes,
    tokens: visitorTokens,
    ownOrigin,
    connectLimit: createLimiter({ capacity: 200, refillPerSecond: 5 }),
    agent: {
      store,
      desk,
      setPresence: async (actor, presence) => {
        await store.inWorkspace(actor.workspaceId, (tx) => setPresence(tx, actor.userId, presence));
        live.emit(rooms.workspace(actor.workspaceId), 'presence:changed', { userId: actor.userId, presence });
      },
      health: async () => ({ breakers: outbound.states(), jobs: await jobs.counts() }),
    },
    visitor: {
      store,
      bots,
      receive,
      conversations,
      eventLimit: createLimiter({ capacity: 200, refillPerSecond: 10 }),
      messageLimit: createLimiter({ capacity: 30, refillPerSecond: 1 }),
      startLimit: createLimiter({ capacity: 60, refillPerSecond: 0.5 }),
    },
  });

  return {
    http,
    store,
    database,
    config,
    metrics,
    embedder,
    receive,
    /** Starts the roles and listens. */
    async start(): Promise<{ address: string; setupUrl: string | undefined }> {
      await freeLeasesOfTheDead(database);
      await jobs.start();
      if (config.demo) await demo.ensure();
      const setup = await ensureSetup({ store, passwords, config });
      if (config.roles.worker.turn) sweeper.start();
      realtime.attach(http.server);
      // The framework's own line would stand in front of the start screen, which says it better.
      const { level } = http.log;
      http.log.level = 'warn';
      const address = await http.listen({ port: config.port, host: config.host });
      http.log.level = level;
      if (config.demo && config.roles.worker.knowledge) await demo.read(30_000);
      log.debug({ setup: setup.state }, 'listening');
      return { address, setupUrl: setup.state === 'link' ? setup.url : undefined };
    },
    /** Lets running work finish or hand itself over, then closes everything. */
    async close(): Promise<void> {
      const drained = http.drain({ graceMs: 5_000 });
      sockets.close();
      await realtime.close();
      await drained;
      await sweeper.close();
      await mailbox?.close();
      await delivery?.close();
      await relay.close();
      await jobs.close();
      for (const part of [conversations, queue, typing, turns, access, maintenance]) part.close();
      await embedder.close();
      await database.close();
    },
  };
}
