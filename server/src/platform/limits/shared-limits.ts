import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { createLimiter, localLimits } from './limiter.ts';
import type { Limiter, MakeLimiter, Verdict } from './limiter.ts';
import type { Logger } from '../telemetry/log.ts';
import { openRedis } from '../cluster/redis.ts';
import type { RedisNamespace } from '../cluster/redis.ts';

/**
 * One step for look and take, by the clock of Redis, so that neither other processes nor their clocks come between. What
 * is refused writes nothing. A bucket that is full again is forgotten.
 */
const TAKE = `
local capacity, refill, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local tokens = capacity
local kept = redis.call('GET', KEYS[1])
if kept then
  local left, at = string.match(kept, '^(%S+) (%S+)$')
  tokens = math.min(capacity, tonumber(left) + math.max(0, now - tonumber(at)) / 1000 * refill)
end
if tokens < cost then
  return { math.max(1, math.ceil((cost - tokens) / refill)), math.floor(tokens), math.ceil((capacity - tokens) / refill) }
end
tokens = math.min(capacity, tokens - cost)
local full = math.ceil((capacity - tokens) / refill * 1000)
if full > 0 then
  redis.call('SET', KEYS[1], string.format('%.6f %.3f', tokens, now), 'PX', full)
else
  redis.call('DEL', KEYS[1])
end
return { 0, math.floor(tokens), math.ceil((capacity - tokens) / refill) }`;
const TAKE_SHA = createHash('sha1').update(TAKE).digest('hex');

const Answer = z.array(z.int()).length(3);

/** Somebody waits for the verdict: a Redis that is slower than this is asked again later. */
const ANSWER_MS = 250;
const AWAY_MS = 1_000;

export type SharedLimits = { make: MakeLimiter; close(): void };

/**
 * Limits of all processes together, exact whatever their number. Without Redis for a moment every process counts for
 * itself: customers are neither locked out nor let in without bounds.
 */
export function createSharedLimits({ place, log }: { place: RedisNamespace; log: Logger }): SharedLimits {
  let awayUntil = 0;
  let complained = false;
  const failed = (error: unknown): void => {
    awayUntil = performance.now() + AWAY_MS;
    if (complained) return;
    complained = true;
    log.debug({ err: error }, 'limits are counted by each process alone until Redis is back');
  };
  const redis: Redis = openRedis(place.url, failed, {
    enableOfflineQueue: false,
    commandTimeout: ANSWER_MS,
    maxRetriesPerRequest: 0,
  });

  async function run(key: string, numbers: number[]): Promise<Verdict> {
    const [wait = 0, remaining = 0, resetSeconds = 0] = Answer.parse(await evaluate(key, numbers));
    return { allow: wait === 0, retryAfterSeconds: wait, remaining, resetSeconds };
  }
  async function evaluate(key: string, numbers: number[]): Promise<unknown> {
    try {
      return await redis.evalsha(TAKE_SHA, 1, key, ...numbers);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return redis.eval(TAKE, 1, key, ...numbers);
    }
  }

  /** The answer of Redis, or that of this process when there is none in time. */
  async function ask<T>(shared: () => Promise<T>, alone: () => Promise<T>): Promise<T> {
    if (performance.now() < awayUntil || redis.status !== 'ready') return alone();
    try {
      const answer = await shared();
      if (complained) log.debug('limits are counted together again');
      complained = false;
      return answer;
    } catch (error) {
      failed(error);
      return alone();
    }
  }

  return {
    make(name, bucket): Limiter {
      const own = createLimiter(bucket);
      const keyOf = (key: string): string => `${place.prefix}:limit:${name}:${key}`;
      return {
        take: (key, cost = 1) =>
          ask(
            () => run(keyOf(key), [bucket.capacity, bucket.refillPerSecond, cost]),
            () => own.take(key, cost),
          ),
        reset: async (key) => {
          await own.reset(key);
          await ask(
            () => redis.del(keyOf(key)),
            async () => 0,
          );
        },
      };
    },
    close: () => redis.disconnect(),
  };
}

/** Limits of all processes where there is a Redis, else of this one. */
export const openLimits = ({ redis, log }: { redis: RedisNamespace | undefined; log: Logger }): SharedLimits =>
  redis ? createSharedLimits({ place: redis, log }) : { make: localLimits, close: () => undefined };
