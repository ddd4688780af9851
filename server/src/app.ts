import { setTimeout as sleep } from 'node:timers/promises';
import { createDemo } from './demo.ts';
import { listDependencies } from './dependencies.ts';
import { openDoors } from './doors.ts';
import { API_KEY_REVOKED } from './features/api-keys/topics.ts';
import { createBotDirectory } from './features/bots/lookup.ts';
import { BOT_CHANGED } from './features/bots/topics.ts';
import { BOT_INTERRUPTED } from './features/conversations/topics.ts';
import { createInboxDirectory } from './features/inboxes/lookup.ts';
import { INBOX_CHANGED } from './features/inboxes/topics.ts';
import { createKnowledgeProcessing } from './features/knowledge/processors.ts';
import { DELIVERY_DUE } from './features/messages/topics.ts';
import { MEMBERSHIP_CHANGED } from './features/members/topics.ts';
import { createAccess } from './features/sessions/access.ts';
import { createWebhookDirectory } from './features/webhooks/lookup.ts';
import { WEBHOOKS_CHANGED } from './features/webhooks/topics.ts';
import { ensureSetup } from './features/sessions/setup.ts';
import { createSignIn } from './features/sessions/sign-in.ts';
import { createThrottle } from './features/sessions/throttle.ts';
import { createAccessTokens } from './features/sessions/tokens.ts';
import { SESSION_REVOKED } from './features/sessions/topics.ts';
import { registerGauges } from './gauges.ts';
import { createBundledEmbedder } from './knowledge/embed.ts';
import { createPath } from './path.ts';
import type { Pace } from './path.ts';
import { createOutbound } from './platform/breaker.ts';
import type { Config } from './platform/config.ts';
import { createKeyring } from './platform/crypto.ts';
import { openDatabase } from './platform/db/index.ts';
import { maintainEmbedded } from './platform/db/maintain.ts';
import { createPartitionKeeper } from './platform/db/partitions.ts';
import { connectWakes } from './platform/fleet.ts';
import { readInstallation } from './platform/db/installation.ts';
import { createHttp } from './platform/http/index.ts';
import type { Limits } from './platform/http/index.ts';
import { createProxies } from './platform/http/proxies.ts';
import { createJobs } from './platform/jobs.ts';
import type { Logger } from './platform/log.ts';
import { createMetrics } from './platform/metrics.ts';
import { createPressure } from './platform/pressure.ts';
import type { Signal } from './platform/pressure.ts';
import { OUTBOX } from './platform/facts/relay.ts';
import { createOutside } from './platform/outside.ts';
import { createPasswords } from './platform/password.ts';
import { migrateLate, migratePlacements } from './platform/placement/migrate-placements.ts';
import { ownDatabases } from './platform/placement/own-database.ts';
import { createMover } from './platform/placement/move.ts';
import { createPlacedPools } from './platform/placement/pools.ts';
import { createPlacements, PLACEMENT_CHANGED } from './platform/placement/registry.ts';
import { watchMoves } from './platform/placement/watch-moves.ts';
import { watchPools } from './platform/placement/watched-pools.ts';
import { createPublish } from './platform/publish/publish.ts';
import { createEmitTyping } from './platform/publish/typing.ts';
import { createRealtime } from './platform/realtime.ts';
import { isConnectionLoss } from './platform/outage.ts';
import { assertRedis, redisPlace, watchRedis } from './platform/redis.ts';
import { createReplicas, replicaAt } from './platform/replicas.ts';
import { openLimits } from './platform/shared-limits.ts';
import { createStorage } from './platform/storage.ts';
import { createStore } from './platform/tenant.ts';
import { openTracing } from './tracing.ts';
import { createWake } from './platform/wake.ts';
import { signalsOf } from './signals.ts';
import { createForget } from './turn/forget.ts';
import { freeLeasesOfTheDead } from './turn/recover.ts';
import { THREAD } from './turn/topics.ts';

export type App = Awaited<ReturnType<typeof createApp>>;
export type AppOptions = { limits?: Partial<Limits>; pace?: Pace; signals?: Signal[] };

const MINUTE = 60_000;
/** Names the lock of the first steps; any number nobody else uses. */
const FIRST_STEPS = 727_002;

/**
 * Every part of the product, by name: the platform and the rooms here, the path of a message in path.ts, what somebody
 * outside can knock at in doors.ts. Nothing is constructed anywhere else, and nothing runs before `start`.
 */
export async function createApp(config: Config, log: Logger, options: AppOptions = {}) {
  // platform
  const metrics = createMetrics();
  const tracing = await openTracing(config, log);
  await assertRedis(config.redis.url);
  const database = await openDatabase(config, log);
  const keyring = createKeyring(config);
  const late = new Set<string>();
  await migratePlacements(database, {
    keyring,
    away(workspaceId, error) {
      late.add(workspaceId);
      log.warn({ err: error, workspaceId }, 'the database of a workspace is away: the others are served without it');
    },
  });
  const wake = createWake((error, topic) =>
    log[isConnectionLoss(error) ? 'debug' : 'error']({ err: error, topic }, 'woken work failed'),
  );
  const placements = createPlacements({ database, log, wake });
  await placements.reload();
  const mover = createMover({
    database,
    keyring,
    announce: async (workspaceId) => {
      wake.wake(PLACEMENT_CHANGED, workspaceId);
      await placements.reload();
    },
  });
  const moves = watchMoves({ mover, placements, log });
  const maintenance = maintainEmbedded(database, log, placements.schemas);
  const replicas = createReplicas({
    primary: database.pool,
    replicas: config.database.replicaUrls.map((address, index) => replicaAt(database, config, address, index + 1)),
    log,
    metrics,
  });
  const pools = watchPools({ pools: createPlacedPools(database, keyring), placements, log });
  const lateMigrations = migrateLate({ database, keyring, late, log, pools });
  const store = createStore(database, replicas, { placements, pools });
  const { messages: messageMonths, events, traces } = config.retention;
  const partitions = createPartitionKeeper({
    database,
    log,
    metrics,
    retention: Object.values(config.roles.worker).some((isOn) => isOn)
      ? { messages: messageMonths, inbound_events: events, traces }
      : undefined,
    forget: createForget(store),
    elsewhere: () => ownDatabases(placements, keyring),
  });
  const redis = redisPlace(config.redis.url, await readInstallation(database));
  const redisWatch = config.redis.url ? watchRedis({ url: config.redis.url, log }) : undefined;
  const wakes = connectWakes({
    redis,
    database,
    wake,
    log,
    topics: {
      work: [THREAD, DELIVERY_DUE, OUTBOX],
      news: [
        BOT_INTERRUPTED,
        BOT_CHANGED,
        INBOX_CHANGED,
        SESSION_REVOKED,
        MEMBERSHIP_CHANGED,
        API_KEY_REVOKED,
        WEBHOOKS_CHANGED,
        PLACEMENT_CHANGED,
      ],
    },
  });
  const jobs = createJobs({ redis, database, log, metrics, tracing });
  const outbound = createOutbound({ log, metrics });
  const outside = createOutside(config.webhooks);
  const storage = createStorage(config, outbound);
  const limits = openLimits({ redis, log });
  const realtime = createRealtime({ log, metrics, redis, listens: config.roles.api });
  const { live } = realtime;
  const publishing = createPublish({ store, live, wake, metrics, log });
  const { publish } = publishing;
  const emitTyping = createEmitTyping(live);
  const proxies = createProxies(config.trustedProxies);
  const pressure = createPressure({ signals: options.signals ?? signalsOf({ config, database, store }), log, metrics });

  // rooms of the house
  const passwords = createPasswords();
  const tokens = createAccessTokens(config.secrets.jwtSecret);
  const access = createAccess({ store, wake, tokens });
  const signIn = createSignIn({ store, passwords, tokens, access, throttle: createThrottle(limits.make) });
  // News of other processes come at most once; on the embedded database there is no other.
  const keptMs = database.kind === 'embedded' ? 5 * MINUTE : MINUTE;
  const inboxes = createInboxDirectory({ store, keyring, wake, keptMs });
  const bots = createBotDirectory({ store, wake, keptMs });
  const webhooks = createWebhookDirectory({ wake, keptMs });
  const embedder = createBundledEmbedder();
  const knowledge = createKnowledgeProcessing({ store, storage, jobs, embedder, publish, log });

  const path = createPath({
    config,
    log,
    metrics,
    tracing,
    store,
    wake,
    jobs,
    outbound,
    outside,
    keyring,
    storage,
    makeLimiter: limits.make,
    emitTyping,
    publish,
    embedder,
    knowledge,
    inboxes,
    bots,
    webhooks,
    pace: options.pace ?? {},
  });

  registerGauges({ metrics, database, store, jobs, log });
  const demo = createDemo({ store, storage, knowledge, log });
  const http = await createHttp({
    config,
    log,
    metrics,
    tracing,
    authenticate: access.authenticate,
    serves: config.roles.api ? 'everything' : 'health',
    health: {
      dependencies: listDependencies({
        roles: config.roles,
        database: () => store.statement('select 1', []),
        redis: redisWatch?.probe,
        jobs: jobs.probe,
        storage,
        embedder,
        placementsAway: pools.away,
      }),
      targets: outbound.report,
      replicas: replicas.report,
    },
    makeLimiter: limits.make,
    pressure,
    limits: { keysPerMinute: config.keysPerMinute, ...options.limits },
    proxies,
  });
  const doors = config.roles.api
    ? await openDoors({
        http,
        config,
        log,
        metrics,
        tracing,
        store,
        wake,
        jobs,
        outbound,
        outside,
        keyring,
        storage,
        realtime,
        proxies,
        pressure,
        makeLimiter: limits.make,
        embedder,
        access,
        signIn,
        inboxes,
        bots,
        knowledge,
        publish,
        emitTyping,
        path,
        demoToken: demo.token,
        askOthers: redisWatch?.probe,
        leaveAfterMs: options.pace?.leaveAfterMs,
      })
    : undefined;

  return {
    http,
    store,
    wake,
    database,
    placements,
    keyring,
    redis,
    jobs,
    config,
    metrics,
    embedder,
    receive: path.receive,
    /** Starts the roles and listens: a worker too, for its health and metrics. */
    async start(): Promise<{ address: string; setupUrl: string | undefined }> {
      await moves.look();
      await freeLeasesOfTheDead(database, placements.schemas());
      placements.start();
      wakes?.start();
      replicas.start();
      await jobs.start();
      // Of several processes that start at once, one does the first steps; the others find them done.
      const setup = doors
        ? await database.oneAtATime(FIRST_STEPS, async () => {
            if (config.demo) await demo.ensure();
            return ensureSetup({ store, passwords, config });
          })
        : undefined;
      path.start();
      void partitions.start();
      if (doors) realtime.attach(http.server);
      pressure.start();
      // The framework's own line would stand in front of the start screen, which says it better.
      const { level } = http.log;
      http.log.level = 'warn';
      const address = await http.listen({ port: config.port, host: config.host });
      http.log.level = level;
      if (doors && config.demo && config.roles.worker.knowledge) await demo.read(30_000);
      log.debug({ setup: setup?.state }, 'listening');
      return { address, setupUrl: setup?.state === 'link' ? setup.url : undefined };
    },
    /** Closes the doors, lets running work finish or hand itself over, then closes everything. */
    async close(): Promise<void> {
      // Whoever sends people here hears of it first: until then everything goes on.
      const noticeMs = config.drainNoticeMs;
      const drained = http.drain({ noticeMs, graceMs: 5_000 });
      if (noticeMs > 0) await sleep(noticeMs);
      wakes?.retire();
      pressure.close();
      replicas.close();
      doors?.close();
      realtime.disconnect();
      await drained;
      await path.close();
      // Last of all that speaks: what just ended is still told to the sockets and workers of others.
      await realtime.close();
      await wakes?.close();
      limits.close();
      redisWatch?.close();
      for (const part of [publishing, access, moves, placements, maintenance, pools, lateMigrations]) part.close();
      await partitions.close();
      await embedder.close();
      await database.close();
      await tracing.close();
    },
  };
}
