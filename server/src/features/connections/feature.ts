import { defineFeature } from '../../feature.ts';
import { changePresence } from '../members/commands.ts';
import { somePresent } from '../members/queries.ts';
import { socketMetrics } from './metrics.ts';
import { openSockets } from './sockets.ts';

/** The sockets of agents and visitors: who may connect, as whom, and say what features declare. */
export const connections = defineFeature({
  name: 'connections',
  metrics: [socketMetrics],
  uses: [
    ...(['config', 'log', 'metrics', 'tracing', 'store', 'wake', 'realtime', 'proxies', 'pressure'] as const),
    ...(['publish', 'makeLimiter', 'askRedis', 'pace', 'access', 'inboxes', 'visitorTokens'] as const),
  ],
  setUp(kit) {
    const { config, store, publish, makeLimiter } = kit;
    let sockets: { close(): void } | undefined;
    return {
      sockets(events) {
        sockets = openSockets({
          ...kit,
          events,
          tokens: kit.visitorTokens,
          ownOrigin: new URL(config.publicUrl).origin,
          askOthers: kit.askRedis,
          present: () => store.asSystem((tx) => somePresent(tx, 100)),
          leaveAfterMs: kit.pace.leaveAfterMs,
          connectLimit: makeLimiter('connect', { capacity: 200, refillPerSecond: 5 }),
          eventLimit: makeLimiter('visitor-event', { capacity: 200, refillPerSecond: 10 }),
          setPresence: (person, presence) => changePresence({ store, publish }, person, presence),
        });
      },
      retire: () => sockets?.close(),
    };
  },
});
