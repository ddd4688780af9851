import type { Database } from '../data/index.ts';
import type { Logger } from '../telemetry/log.ts';
import type { RedisPlace } from './redis.ts';
import { createWakeBridge } from './wake-bridge.ts';
import type { WakeBridge, WakeTopics } from './wake-bridge.ts';
import { postgresLink, redisLink } from './wake-links.ts';
import type { WakeBus } from './wake.ts';

/**
 * Wakes to the other processes of the installation: through Redis when there is one, else through PostgreSQL. The
 * embedded database has one process, so there is nobody to tell.
 */
export function connectWakes(parts: {
  redis: RedisPlace | undefined;
  database: Database;
  wake: WakeBus;
  log: Logger;
  topics: WakeTopics;
}): WakeBridge | undefined {
  const { redis, database, wake, log, topics } = parts;
  if (redis) return createWakeBridge({ wake, log, topics, link: redisLink(redis.url), prefix: `${redis.prefix}:wake` });
  if (database.kind === 'embedded') return undefined;
  // PostgreSQL keeps the channels of databases apart by itself.
  return createWakeBridge({ wake, log, topics, link: postgresLink(database), prefix: 'parley:wake' });
}
