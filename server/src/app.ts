import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Feature } from './feature.ts';
import { features as product } from './features/index.ts';
import { createKit, openPlatform } from './kit.ts';
import type { Pace, Print } from './kit.ts';
import type { Config } from './platform/config/config.ts';
import { createCatalogue } from './platform/facts/define.ts';
import { createReactions } from './platform/facts/reactions.ts';
import { createRelay } from './platform/facts/relay.ts';
import { serveDashboard } from './platform/http/index.ts';
import type { Http, Limits } from './platform/http/index.ts';
import { listen } from './platform/http/listen.ts';
import type { Logger } from './platform/telemetry/log.ts';
import type { Signal } from './platform/limits/pressure.ts';
import { collectEvents } from './platform/sockets/socket-events.ts';
import { resourceSignals } from './platform/limits/pressure-signals.ts';
import { createSweeper } from './platform/sweeps/sweeps.ts';

export type App = Awaited<ReturnType<typeof createApp>>;
export type AppOptions = {
  limits?: Partial<Limits>;
  pace?: Pace;
  print?: Print;
  signals?: Signal[];
  /** default: the whole product */
  features?: Feature[];
};

const DASHBOARD = fileURLToPath(new URL('../../dashboard/dist', import.meta.url));
/** Names the lock of the first steps; any number nobody else uses. */
const FIRST_STEPS = 727_002;

/** Opens the platform, builds the kit and sets every feature up, in the order of the list. Nothing runs before `start`. */
export async function createApp(config: Config, log: Logger, options: AppOptions = {}) {
  const { features = product } = options;
  const platform = await openPlatform(config, log, features, options);
  const kit = createKit(platform.kit, features);
  const { metrics, database, store, placements, keyring, wake, jobs, realtime, pressure, redis } = kit;
  const { roles } = config;
  const parts = features.map((feature) => feature.setUp?.(kit.of(feature)) ?? {});

  const reactions = createReactions({
    jobs: { define: platform.defineQueue },
    catalogue: createCatalogue(features.flatMap(({ facts }) => facts ?? [])),
    reactions: parts.flatMap((part) => part.reactions ?? []),
  });
  const relay = createRelay({ store, wake, reactions });
  if (roles.worker.facts) reactions.work(relay.handled);
  const sweeper = createSweeper({
    store,
    log,
    everyMs: options.pace?.lookEveryMs,
    sweeps: [
      ...relay.sweeps,
      { name: 'mirror', run: () => store.mirror() },
      ...parts.flatMap((part) => part.sweeps ?? []),
    ],
  });
  const partitions = platform.keepPartitions(async (table, before) => {
    for (const part of parts) await part.deleteExpired?.[table]?.(before);
  });
  platform.signals.push(
    ...(options.signals ?? [...resourceSignals(database), ...parts.flatMap((part) => part.signals ?? [])]),
  );

  const http = await platform.openHttp({
    authenticate: async (request) => {
      for (const part of parts) if (part.authenticate) return part.authenticate(request);
      return null;
    },
    dependencies: Object.assign({}, ...parts.map((part) => part.health ?? {})),
    limits: options.limits,
  });
  const speaking = roles.api ? parts : [];
  const socketEvents = {
    agent: collectEvents(speaking.map((part) => part.agentEvents?.(http) ?? {})),
    visitor: collectEvents(speaking.map((part) => part.visitorEvents?.(http) ?? {})),
  };
  if (roles.api) {
    for (const part of parts) part.sockets?.(socketEvents);
    await http.register(async (api: Http) => parts.forEach((part) => part.routes?.(api)), { prefix: '/api/v1' });
    for (const part of parts) await part.pages?.(http);
    if (existsSync(DASHBOARD)) await serveDashboard(http, DASHBOARD);
  }

  return {
    ...{ http, kit, store, wake, database, placements, keyring, redis, jobs, config, metrics, socketEvents },
    /** Starts the roles and listens: a worker too, for its health and metrics. */
    async start(): Promise<{ address: string; setupUrl: string | undefined; links: Record<string, string> }> {
      await platform.moves.look();
      for (const part of parts) await part.recover?.();
      placements.start();
      kit.testClock?.start();
      platform.notifier?.start();
      platform.replicas.start();
      await jobs.start();
      let setupUrl: string | undefined;
      if (roles.api)
        await database.oneAtATime(FIRST_STEPS, async () => {
          for (const part of parts) {
            const done = await part.firstSteps?.();
            setupUrl ??= done?.setupUrl;
          }
        });
      for (const part of parts) part.start?.();
      // Every worker looks for what is lost: in a process of its own nothing else tells it of work.
      if (platform.isWorker) sweeper.start();
      void partitions.start();
      // What became due is done at once, and months that lie elsewhere now are made.
      kit.clock.onSet(() => {
        if (platform.isWorker) void sweeper.lookAgain();
        void partitions.lookAgain();
      });
      if (roles.api) realtime.attach(http.server);
      pressure.start();
      const address = await listen(http, { port: config.port, host: config.host });
      for (const part of parts) await part.listening?.();
      const links: Record<string, string> = Object.assign({}, ...parts.map((part) => part.links ?? {}));
      return { address, setupUrl, links };
    },
    /** Lets nobody in, lets running work finish or hand itself over, then closes everything. */
    async close(): Promise<void> {
      // Whoever sends people here hears of it first: until then everything goes on.
      const noticeMs = config.drainNoticeMs;
      const drained = http.drain({ noticeMs, graceMs: 5_000 });
      if (noticeMs > 0) await sleep(noticeMs);
      platform.notifier?.retire();
      pressure.close();
      platform.replicas.close();
      for (const part of parts) part.retire?.();
      realtime.disconnect();
      await drained;
      await sweeper.close();
      for (const part of parts) await part.close?.();
      await relay.close();
      await jobs.close();
      // Last of all that speaks: what just ended is still told to the sockets and workers of others.
      await realtime.close();
      await platform.notifier?.close();
      await partitions.close();
      for (const part of parts) await part.release?.();
      await platform.close();
    },
  };
}
