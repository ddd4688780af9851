import { defineFeature } from '../../feature.ts';
import { createHealthCheck } from '../conversations/health-check.ts';
import { changePresence } from '../members/commands.ts';
import { somePresent } from '../members/queries.ts';
import { socketMetrics } from './metrics.ts';
import { openSockets } from './sockets.ts';

/** The sockets of agents and visitors: who may connect, as whom, and what they may say. */
export const connections = defineFeature({
  name: 'connections',
  metrics: [socketMetrics],
  uses: [
    ...(['config', 'log', 'metrics', 'tracing', 'store', 'wake', 'jobs', 'outbound', 'realtime', 'proxies'] as const),
    ...(['pressure', 'publish', 'emitTyping', 'makeLimiter', 'askRedis', 'pace'] as const),
    ...(['access', 'inboxes', 'bots', 'desk', 'receive', 'visitorTokens'] as const),
  ],
  setUp(kit) {
    const { config, store, publish, emitTyping, makeLimiter, tracing } = kit;
    let sockets: { close(): void } | undefined;
    return {
      pages(http) {
        sockets = openSockets({
          ...kit,
          tokens: kit.visitorTokens,
          ownOrigin: new URL(config.publicUrl).origin,
          askOthers: kit.askRedis,
          present: () => store.asSystem((tx) => somePresent(tx, 100)),
          leaveAfterMs: kit.pace.leaveAfterMs,
          connectLimit: makeLimiter('connect', { capacity: 200, refillPerSecond: 5 }),
          agent: {
            ...{ store, tracing, desk: kit.desk, emitTyping },
            setPresence: (actor, presence) => changePresence({ store, publish }, actor, presence),
            health: createHealthCheck({ store, health: http.health, jobs: kit.jobs, targets: kit.outbound.report }),
          },
          visitor: {
            ...{ store, tracing, bots: kit.bots, receive: kit.receive, publish, emitTyping },
            eventLimit: makeLimiter('visitor-event', { capacity: 200, refillPerSecond: 10 }),
            messageLimit: makeLimiter('visitor-message', { capacity: 30, refillPerSecond: 1 }),
            startLimit: makeLimiter('visitor-start', { capacity: 60, refillPerSecond: 0.5 }),
          },
        });
      },
      retire: () => sockets?.close(),
    };
  },
});
