import type { Database } from '../data/index.ts';
import type { Logger } from '../telemetry/log.ts';
import { postgresLink, redisLink } from './links.ts';
import { createClusterNotifier } from './notifier.ts';
import type { ClusterNotifier, WakeTopics } from './notifier.ts';
import type { RedisNamespace } from './redis.ts';
import type { WakeBus } from './wake.ts';

/**
 * The notifier of the other processes of the installation: through Redis when there is one, else through PostgreSQL. The
 * embedded database has one process, and no notifier.
 */
export function connectNotifier(deps: {
  redis: RedisNamespace | undefined;
  database: Database;
  wake: WakeBus;
  log: Logger;
  topics: WakeTopics;
}): ClusterNotifier | undefined {
  const { redis, database, wake, log, topics } = deps;
  if (redis)
    return createClusterNotifier({ wake, log, topics, link: redisLink(redis.url), prefix: `${redis.prefix}:wake` });
  if (database.kind === 'embedded') return undefined;
  // PostgreSQL keeps the channels of databases apart by itself.
  return createClusterNotifier({ wake, log, topics, link: postgresLink(database), prefix: 'parley:wake' });
}
