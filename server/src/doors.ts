import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { apiKeyRoutes } from './features/api-keys/routes.ts';
import { createAsk } from './features/bots/ask.ts';
import type { BotDirectory } from './features/bots/lookup.ts';
import { botRoutes } from './features/bots/routes.ts';
import { contactRoutes } from './features/contacts/routes.ts';
import { conversationRoutes } from './features/conversations/routes.ts';
import { fileRoutes } from './features/files/routes.ts';
import { handoffRoutes } from './features/handoffs/routes.ts';
import { createInboxFinder } from './features/inboxes/guesses.ts';
import type { InboxDirectory } from './features/inboxes/lookup.ts';
import { channelRoutes } from './features/inboxes/channel-routes.ts';
import { inboxRoutes } from './features/inboxes/routes.ts';
import type { KnowledgeProcessing } from './features/knowledge/processors.ts';
import { knowledgeRoutes } from './features/knowledge/routes.ts';
import { queueRoutes } from './features/queues/routes.ts';
import { changePresence } from './features/members/commands.ts';
import { somePresent } from './features/members/queries.ts';
import { memberRoutes } from './features/members/routes.ts';
import type { Access } from './features/sessions/access.ts';
import { messageRoutes } from './features/messages/routes.ts';
import { meRoutes } from './features/sessions/me-routes.ts';
import { sessionRoutes } from './features/sessions/routes.ts';
import type { SignIn } from './features/sessions/sign-in.ts';
import { visitorPages } from './features/visitors/pages.ts';
import { visitorRoutes } from './features/visitors/routes.ts';
import { createVisitorTokens } from './features/visitors/token.ts';
import { webhookEndpointRoutes } from './features/webhooks/routes.ts';
import { workspaceRoutes } from './features/workspaces/routes.ts';
import type { Embedder } from './knowledge/embed.ts';
import type { Path } from './path.ts';
import type { Outbound } from './platform/breaker.ts';
import type { Config } from './platform/config.ts';
import type { Keyring } from './platform/crypto.ts';
import { serveDashboard } from './platform/http/index.ts';
import type { Http } from './platform/http/index.ts';
import type { Proxies } from './platform/http/proxies.ts';
import type { Jobs } from './platform/jobs.ts';
import type { MakeLimiter } from './platform/limiter.ts';
import type { Logger } from './platform/log.ts';
import type { Metrics } from './platform/metrics.ts';
import type { Pressure } from './platform/pressure.ts';
import type { Outside } from './platform/outside.ts';
import type { Publish } from './platform/publish/publish.ts';
import type { EmitTyping } from './platform/publish/typing.ts';
import type { Realtime } from './platform/realtime.ts';
import type { Storage } from './platform/storage.ts';
import type { Store } from './platform/tenant.ts';
import type { Tracing } from './platform/tracing.ts';
import type { Wake } from './platform/wake.ts';
import { openSockets } from './sockets.ts';
import { webhookRoutes } from './turn/webhooks.ts';

const DASHBOARD = fileURLToPath(new URL('../../dashboard/dist', import.meta.url));
const WIDGET = fileURLToPath(new URL('../../widget/dist', import.meta.url));

export type DoorParts = {
  http: Http;
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
  realtime: Realtime;
  proxies: Proxies;
  pressure: Pressure;
  makeLimiter: MakeLimiter;
  embedder: Embedder;
  access: Access;
  signIn: SignIn;
  inboxes: InboxDirectory;
  bots: BotDirectory;
  knowledge: KnowledgeProcessing;
  publish: Publish;
  emitTyping: EmitTyping;
  path: Pick<Path, 'receive' | 'answerQuestion' | 'desk' | 'channelHttp' | 'sendWebhook'>;
  /** Rejects while Redis is away; undefined without one. */
  askOthers?: (() => Promise<unknown>) | undefined;
  /** how long somebody without a socket is still shown as present */
  leaveAfterMs?: number | undefined;
  /** the web inbox of /demo, if there is one */
  demoToken: () => Promise<string | undefined>;
};

/** Everything somebody outside can knock at: webhooks, the API, pages, sockets. Only a process with the role `api` has them. */
export async function openDoors(parts: DoorParts): Promise<{ close(): void }> {
  const { http, config, log, metrics, store, wake, jobs, outbound, keyring, storage, realtime, makeLimiter } = parts;
  const { embedder, access, signIn, inboxes, bots, knowledge, publish, emitTyping, path } = parts;
  const { desk, receive } = path;
  const tokens = createVisitorTokens(config.secrets.jwtSecret);
  const ownOrigin = new URL(config.publicUrl).origin;

  const findInbox = createInboxFinder(inboxes);
  webhookRoutes(http, { findInbox, inboxes, receive, config, metrics, log });
  await http.register(
    async (api: Http) => {
      sessionRoutes(api, { store, signIn });
      meRoutes(api, { store, publish });
      workspaceRoutes(api, { store });
      memberRoutes(api, { store, wake, config });
      apiKeyRoutes(api, { store, wake });
      webhookEndpointRoutes(api, { store, wake, keyring, outside: parts.outside, sendNow: path.sendWebhook });
      botRoutes(api, { store, wake, ask: createAsk({ store, answerQuestion: path.answerQuestion }) });
      knowledgeRoutes(api, { store, storage, wake, embedder, publish, processing: knowledge });
      inboxRoutes(api, { store, keyring, wake, log, config, channelHttp: path.channelHttp });
      channelRoutes(api, { store, keyring, wake, log, config, channelHttp: path.channelHttp });
      contactRoutes(api, { store });
      conversationRoutes(api, { store, desk });
      messageRoutes(api, { desk });
      handoffRoutes(api, { store, pickUp: desk.pickUp });
      fileRoutes(api, { store, storage });
      queueRoutes(api, { jobs, log });
      const uploadLimit = makeLimiter('visitor-upload', { capacity: 30, refillPerSecond: 0.1 });
      visitorRoutes(api, { store, storage, inboxes, bots, tokens, ownOrigin, uploadLimit });
    },
    { prefix: '/api/v1' },
  );
  visitorPages(http, {
    findInbox,
    widgetFolder: WIDGET,
    publicUrl: config.publicUrl,
    demoToken: parts.demoToken,
  });
  if (existsSync(DASHBOARD)) await serveDashboard(http, DASHBOARD);

  return openSockets({
    realtime,
    proxies: parts.proxies,
    pressure: parts.pressure,
    wake,
    log,
    metrics,
    access,
    inboxes,
    tokens,
    ownOrigin,
    askOthers: parts.askOthers,
    present: () => store.asSystem((tx) => somePresent(tx, 100)),
    leaveAfterMs: parts.leaveAfterMs,
    connectLimit: makeLimiter('connect', { capacity: 200, refillPerSecond: 5 }),
    agent: {
      store,
      tracing: parts.tracing,
      desk,
      emitTyping,
      setPresence: (actor, presence) => changePresence({ store, publish }, actor, presence),
      health: async () => ({ breakers: outbound.states(), targets: outbound.report(), jobs: await jobs.counts() }),
    },
    visitor: {
      store,
      tracing: parts.tracing,
      bots,
      receive,
      publish,
      emitTyping,
      eventLimit: makeLimiter('visitor-event', { capacity: 200, refillPerSecond: 10 }),
      messageLimit: makeLimiter('visitor-message', { capacity: 30, refillPerSecond: 1 }),
      startLimit: makeLimiter('visitor-start', { capacity: 60, refillPerSecond: 0.5 }),
    },
  });
}
