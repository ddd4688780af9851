import { openTracing } from './tracing.ts';
import { followDatabase } from './platform/clock/database-clock.ts';
import { CLOCK_SET, openTestClock } from './platform/clock/test-clock.ts';
import { createOutbound } from './platform/outbound/breaker.ts';
import type { Config } from './platform/config/config.ts';
import { createKeyring } from './platform/security/crypto.ts';
import { openDatabase } from './platform/data/index.ts';
import { readInstallation } from './platform/data/installation.ts';
import { maintainEmbedded } from './platform/data/maintain.ts';
import { createPartitionKeeper } from './platform/data/partitions.ts';
import { OUTBOX } from './platform/facts/relay.ts';
import { connectNotifier } from './platform/cluster/connect.ts';
import { registerGauges } from './platform/telemetry/gauges.ts';
import { createHttp } from './platform/http/index.ts';
import type { Dependency, HttpOptions } from './platform/http/index.ts';
import { createProxies } from './platform/http/proxies.ts';
import { createJobs } from './platform/jobs/jobs.ts';
import type { DefinedJobs } from './platform/jobs/jobs.ts';
import type { Logger } from './platform/telemetry/log.ts';
import { createMailServer } from './platform/mail/index.ts';
import { createMetrics } from './platform/telemetry/metrics.ts';
import { isConnectionLoss } from './platform/telemetry/outage.ts';
import { createOutside } from './platform/outbound/outside.ts';
import { createMirror } from './placement/mirror.ts';
import { migrateLate, migratePlacements } from './placement/migrate-placements.ts';
import { createMover } from './placement/move.ts';
import { ownDatabases } from './placement/own-database.ts';
import { createPlacedPools } from './placement/pools.ts';
import { createPlacements, PLACEMENT_CHANGED } from './placement/registry.ts';
import { watchMoves } from './placement/watch-moves.ts';
import { watchPools } from './placement/watched-pools.ts';
import { createPressure } from './platform/limits/pressure.ts';
import type { Signal } from './platform/limits/pressure.ts';
import { createPublish } from './platform/publish/publish.ts';
import { createEmitTyping } from './platform/publish/typing.ts';
import { createRealtime } from './platform/sockets/realtime.ts';
import { assertRedis, redisNamespace, watchRedis } from './platform/cluster/redis.ts';
import { createReplicas, replicaAt } from './platform/data/replicas.ts';
import { openLimits } from './platform/limits/shared-limits.ts';
import { createStorage } from './platform/storage/storage.ts';
import { createStore } from './platform/data/tenant.ts';
import { createWake } from './platform/cluster/wake.ts';
import type { Feature } from './feature.ts';

/** Waits of the product, shorter in tests. */
export type Pace = {
  /** milliseconds of silence after which a model counts as hanging */
  modelIdleMs?: number;
  /** first wait before a model is asked again; it doubles */
  modelRetryMs?: number;
  /** first wait before a failed round of a mailbox is tried again; it doubles */
  roundRetryMs?: number;
  /** how long somebody without a socket is still shown as present */
  leaveAfterMs?: number;
  /** wait before a mail is tried again */
  mailRetryMs?: number;
  /** how long a mail server may take for one */
  mailTimeoutMs?: number;
  /** between two looks: of the sweeps, and at the database of a workspace's own that is away */
  lookEveryMs?: number;
};

/** Puts text before whoever runs the process; nobody is there unless main.ts says so. */
export type Print = (text: string) => void;

/** What features add to the server: who asks, what they rest on, and the limits of this installation. */
type HttpOfFeatures = Pick<HttpOptions, 'authenticate' | 'limits'> & { dependencies: Record<string, Dependency> };

const MINUTE = 60_000;

/** Opens the machinery of the platform. Nothing of it runs before it is started, besides what watches connections. */
export async function openPlatform(
  config: Config,
  log: Logger,
  features: Feature[],
  { pace = {}, print = () => undefined }: { pace?: Pace | undefined; print?: Print | undefined } = {},
) {
  const metrics = createMetrics({ declared: features.flatMap((feature) => feature.metrics ?? []) });
  const tracing = await openTracing(config, log);
  await assertRedis(config.redis.url);
  const database = await openDatabase(config, log);
  const keyring = createKeyring(config);
  const unreachable = new Set<string>();
  await migratePlacements(database, {
    keyring,
    away(workspaceId, error) {
      unreachable.add(workspaceId);
      log.warn({ err: error, workspaceId }, 'the database of a workspace is away: the others are served without it');
    },
  });
  const wake = createWake((error, topic) =>
    log[isConnectionLoss(error) ? 'debug' : 'error']({ err: error, topic }, 'woken work failed'),
  );
  const testClock = config.testClock ? await openTestClock({ database, wake, log }) : undefined;
  const databaseClock = await followDatabase(database, log);
  const clock = testClock ?? databaseClock;
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
  const maintenance = maintainEmbedded(database, log, {
    schemas: placements.schemas,
    tables: features.flatMap(({ busy = [] }) => busy),
  });
  const replicas = createReplicas({
    primary: database.pool,
    replicas: config.database.replicaUrls.map((address, index) => replicaAt(database, config, address, index + 1)),
    log,
    metrics,
  });
  const pools = watchPools({
    pools: createPlacedPools(database, keyring),
    ...{ placements, log, lookEveryMs: pace.lookEveryMs },
  });
  const migrations = migrateLate({ database, keyring, late: unreachable, log, pools });
  const store = createStore(database, replicas, { placements, pools, createMirror }, clock);
  const redis = redisNamespace(config.redis.url, await readInstallation(database));
  const redisWatch = config.redis.url ? watchRedis({ url: config.redis.url, log }) : undefined;
  const jobs = createJobs({ redis, database, log, metrics, tracing });
  // In every process: one that works on none of them still adds to them and shows them.
  for (const { queues = [] } of features) for (const queue of queues) jobs.define(queue);
  const isWorker = Object.values(config.roles.worker).some((isOn) => isOn);
  const proxies = createProxies(config.trustedProxies);
  const topics = features.map((feature) => feature.topics ?? {});
  const notifier = connectNotifier({
    ...{ redis, database, wake, log },
    topics: {
      work: [OUTBOX, ...topics.flatMap(({ work = [] }) => work)],
      broadcast: [PLACEMENT_CHANGED, CLOCK_SET, ...topics.flatMap(({ broadcast = [] }) => broadcast)],
    },
  });
  const outbound = createOutbound({ log, metrics });
  const limits = openLimits({ redis, log });
  const realtime = createRealtime({ log, metrics, redis, listens: config.roles.api });
  const publishing = createPublish({ store, live: realtime.live, wake, metrics, log });
  /** Filled by features before it starts. */
  const signals: Signal[] = [];
  const pressure = createPressure({ signals, log, metrics });
  registerGauges({ metrics, database, jobs, log });

  /** What every process rests on. */
  const rests: Record<string, Dependency> = {
    database: { needed: true, probe: () => store.statement('select 1', []) },
    ...(redisWatch ? { redis: { needed: false, probe: redisWatch.probe } } : {}),
    // The log names them. All other workspaces are served.
    placements: { needed: false, probe: pools.probe },
  };

  return {
    /** What features may ask for. */
    kit: {
      config,
      /** The value of settings this feature declares. */
      settingsOf: config.settingsOf,
      log,
      metrics,
      tracing,
      /** The only business time (platform/clock). */
      clock,
      /** The same, to be set; undefined unless PARLEY_TEST_CLOCK opened it. */
      testClock,
      database,
      store,
      placements,
      keyring,
      wake,
      /** All queues, for whoever looks after them. */
      jobs: jobs as DefinedJobs,
      /** A queue this feature declares. */
      queueOf: jobs.queueOf,
      outbound,
      outside: createOutside(config.outside),
      storage: createStorage(config, outbound),
      /** undefined where no server for mail is named */
      mailServer: createMailServer(config, { outbound, timeoutMs: pace.mailTimeoutMs }),
      /** Shows a text to whoever runs this process, as it is. */
      print,
      makeLimiter: limits.make,
      realtime,
      publish: publishing.publish,
      emitTyping: createEmitTyping(realtime.live),
      proxies,
      pressure,
      pace,
      redis,
      /** Rejects while Redis is away; undefined without one. */
      askRedis: redisWatch?.probe,
      /**
       * How long what other processes may change is kept in memory, in milliseconds. Their broadcasts come at most once; on the
       * embedded database there are no others.
       */
      cacheMs: database.kind === 'embedded' ? 5 * MINUTE : MINUTE,
    },
    moves,
    /** Defines queues, which features only declare. */
    defineQueue: jobs.define,
    replicas,
    notifier,
    signals,
    /** Whether this process has a role besides the API's. */
    isWorker,
    /** The server, which does not listen yet: for everything, or in a worker for its health and metrics. */
    openHttp({ authenticate, dependencies, limits: changed }: HttpOfFeatures) {
      return createHttp({
        ...{ config, log, metrics, tracing, pressure, proxies, authenticate },
        serves: config.roles.api ? 'everything' : 'health',
        health: {
          dependencies: { ...rests, ...dependencies },
          targets: outbound.report,
          replicas: replicas.report,
        },
        makeLimiter: limits.make,
        limits: { keysPerMinute: config.keysPerMinute, ...changed },
      });
    },
    /** Makes the partitions of months to come and, in a worker, ends those that are no longer kept, with what `deleteExpired` deletes. */
    keepPartitions(deleteExpired: (table: string, before: Date) => Promise<void>) {
      const kept = Object.fromEntries(
        features.flatMap(({ months = {} }) =>
          Object.entries(months).map(([table, monthsOf]) => [table, monthsOf(config.settingsOf)] as const),
        ),
      );
      return createPartitionKeeper({
        ...{ database, log, metrics, clock, deleteExpired },
        tables: Object.keys(kept),
        retention: isWorker ? kept : undefined,
        elsewhere: () => ownDatabases(placements, keyring),
      });
    },
    /** Ends what watches and remembers, but not what works; the database is last. */
    async close(): Promise<void> {
      limits.close();
      redisWatch?.close();
      for (const part of [publishing, moves, placements, maintenance, pools, migrations]) part.close();
      testClock?.close();
      databaseClock.close();
      await database.close();
      await tracing.close();
    },
  };
}

export type Platform = Awaited<ReturnType<typeof openPlatform>>['kit'];

/** What features provide to each other. Each declares its own here by `declare module` in its feature.ts. */
export interface Services {}

export type Kit = Platform & Services;

/** An object with these parts of another, each looked up when it is asked for. */
function pick<T extends object>(whole: T, names: readonly (keyof T)[]): T {
  const some = {};
  for (const name of names) Object.defineProperty(some, name, { enumerable: true, get: () => whole[name] });
  // What a feature did not name is not there, and its type does not have it.
  return some as T;
}

/**
 * The platform, and the services of all features, each made when somebody first asks for it.
 *
 * @returns `of` gives a feature the parts it names
 * @throws when two features provide the same service or, on first use, when a service needs itself
 */
export function createKit(platform: Platform, features: Feature[]): Kit & { of(feature: Feature): Kit } {
  const kit = { ...platform } as Kit;
  const under = new Set<string>();
  const of = (feature: Feature): Kit => pick(kit, feature.uses);
  for (const feature of features)
    for (const [service, make] of Object.entries(feature.provides ?? {})) {
      if (Object.hasOwn(kit, service)) throw new Error(`${service} is provided twice, also by ${feature.name}`);
      let made: { value: unknown } | undefined;
      const get = (): unknown => {
        if (made) return made.value;
        if (under.has(service)) throw new Error(`${service} needs itself, by way of ${[...under].join(', ')}`);
        under.add(service);
        try {
          made = { value: make(of(feature)) };
        } finally {
          under.delete(service);
        }
        return made.value;
      };
      Object.defineProperty(kit, service, { enumerable: true, get });
    }
  return Object.assign(kit, { of });
}
