import type { Config } from './config.ts';
import type { Database } from './db/index.ts';
import type { Logger } from './log.ts';
import { redisDatabaseOf } from './redis.ts';
import { createWakeBridge } from './wake-bridge.ts';
import type { WakeBridge, WakeTopics } from './wake-bridge.ts';
import { postgresLink, redisLink } from './wake-links.ts';
import type { WakeBus } from './wake.ts';

/**
 * Wakes to the other processes of the installation: through Redis when there is one, else through PostgreSQL. The
 * embedded database has one process, so there is nobody to tell.
 */
export function connectWakes(parts: {
  config: Pick<Config, 'redis'>;
  database: Database;
  wake: WakeBus;
  log: Logger;
  topics: WakeTopics;
}): WakeBridge | undefined {
  const { config, database, wake, log, topics } = parts;
  const { url } = config.redis;
  // PostgreSQL keeps the channels of databases apart by itself.
  if (url)
    return createWakeBridge({ wake, log, topics, link: redisLink(url), prefix: `parley:${redisDatabaseOf(url)}:wake` });
  if (database.kind === 'embedded') return undefined;
  return createWakeBridge({ wake, log, topics, link: postgresLink(database), prefix: 'parley:wake' });
}
