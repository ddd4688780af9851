import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { ConfigError } from '../config/define.ts';
import type { Logger } from '../telemetry/log.ts';
import { createOutage } from '../telemetry/outage.ts';

/** One installation's part of a Redis server: every key, stream and channel of it starts with `prefix` and a colon. */
export type RedisNamespace = { url: string; prefix: string };

/** The number of the database in the address: what Redis does not keep apart by it (channels) carries it in its name. */
const databaseOf = (url: string): string => /^\/(\d+)$/.exec(new URL(url).pathname)?.[1] ?? '0';

/**
 * Where the installation is in Redis, undefined without one. All its processes share a database, so its id is theirs
 * alone; 48 bits of it keep names short.
 */
export const redisNamespace = (url: string | undefined, installationId: string): RedisNamespace | undefined =>
  url ? { url, prefix: `parley:${databaseOf(url)}:${installationId.replaceAll('-', '').slice(-12)}` } : undefined;

/** Tries again soon, and never gives up. */
const retryStrategy = (times: number): number => Math.min(50 * times, 500);

/**
 * A connection that is made anew whenever it is lost. Commands fail after `maxRetriesPerRequest` lost connections;
 * null waits as long as it takes. `failed` gets every error of the connection.
 */
export function openRedis(url: string, failed: (error: Error) => void, options: RedisOptions = {}): Redis {
  const redis = new Redis(url, { connectTimeout: 5_000, keepAlive: 5_000, retryStrategy, ...options });
  redis.on('error', failed);
  return redis;
}

/** Since when GETDEL and exclusive ranges are known, which the adapter of the sockets needs. */
const OLDEST = [6, 2] as const;
const START_MS = 5_000;
const PROBE_MS = 1_800;

function versionOf(info: string): readonly [number, number] | undefined {
  const found = /^redis_version:(\d+)\.(\d+)/m.exec(info);
  return found ? [Number(found[1]), Number(found[2])] : undefined;
}

/**
 * Asks the Redis of the configuration once, before anything opens connections that never give up.
 *
 * @throws ConfigError, one line that names REDIS_URL, when nobody answers there or it cannot be used
 */
export async function assertRedis(url: string | undefined): Promise<void> {
  if (!url) return;
  const unusable = (reason: string): ConfigError =>
    new ConfigError('REDIS_URL', `takes the address of a Redis or Valkey server that can be used: ${reason}`);
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: START_MS,
    commandTimeout: START_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let failure: Error | undefined;
  redis.on('error', (error: Error) => (failure ??= error));
  let info: string;
  try {
    await redis.connect();
    await redis.ping();
    info = await redis.info('server');
  } catch (error) {
    const cause = failure ?? (error instanceof Error ? error : new Error(String(error)));
    throw unusable(cause.message || ('code' in cause ? String(cause.code) : cause.name));
  } finally {
    redis.disconnect();
  }
  const version = versionOf(info);
  if (!version) return;
  const [major, minor] = version;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    throw unusable(`it is version ${version.join('.')}, ${OLDEST.join('.')} or later is needed`);
}

export type RedisWatch = { probe(): Promise<unknown>; close(): void };

/** A connection of its own that says when Redis goes away and when it is back: for everybody who uses it, once. */
export function watchRedis({ url, log }: { url: string; log: Logger }): RedisWatch {
  const probe = (): Promise<unknown> => redis.ping();
  const outage = createOutage({
    log,
    name: 'Redis',
    meaning:
      'messages are still answered; limits are counted by each process alone, and sockets get the events of their own process only',
    probe,
    watchEveryMs: 5_000,
  });
  const redis = openRedis(url, outage.failed, {
    enableOfflineQueue: false,
    commandTimeout: PROBE_MS,
    maxRetriesPerRequest: 0,
  });
  let wasReady = false;
  redis.on('ready', () => (wasReady = true));
  redis.on('close', () => {
    if (wasReady) outage.failed(new Error('the connection to Redis is lost'));
  });
  return {
    probe,
    close() {
      outage.close();
      redis.disconnect();
    },
  };
}
