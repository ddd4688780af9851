import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';

/** One installation's part of a Redis server: every key, stream and channel of it starts with `prefix` and a colon. */
export type RedisPlace = { url: string; prefix: string };

/** The number of the database in the address: what Redis does not keep apart by it (channels) carries it in its name. */
const databaseOf = (url: string): string => /^\/(\d+)$/.exec(new URL(url).pathname)?.[1] ?? '0';

/**
 * Where the installation is in Redis, undefined without one. All its processes share a database, so its id is theirs
 * alone; 48 bits of it keep names short.
 */
export const redisPlace = (url: string | undefined, installationId: string): RedisPlace | undefined =>
  url ? { url, prefix: `parley:${databaseOf(url)}:${installationId.replaceAll('-', '').slice(-12)}` } : undefined;

/** Tries again soon, and never gives up. */
const retryStrategy = (times: number): number => Math.min(50 * times, 500);

/**
 * A connection that is made anew whenever it is lost. Commands fail after `maxRetriesPerRequest` lost connections;
 * null waits as long as it takes. `failed` hears every error of the connection.
 */
export function openRedis(url: string, failed: (error: Error) => void, options: RedisOptions = {}): Redis {
  const redis = new Redis(url, { connectTimeout: 5_000, keepAlive: 5_000, retryStrategy, ...options });
  redis.on('error', failed);
  return redis;
}
