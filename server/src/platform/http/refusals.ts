import { LRUCache } from 'lru-cache';
import { tooMany } from '../errors.ts';
import { createLimiter } from '../limits/limiter.ts';
import { bucketOf } from './proxies.ts';

/** Proofs that were wrong, from one address for one thing. A platform whose secret has changed repeats for a while. */
const REFUSALS = { capacity: 60, refillPerSecond: 1 };

export type Refusals = {
  /** Costs nothing, so whoever proves themselves is never counted. @throws too many requests */
  assertFew(address: string, thing: string): Promise<void>;
  count(address: string, thing: string): Promise<void>;
};

/**
 * Whoever was refused often is sent away before a body is read. Counted by each process alone: asking a store about every
 * request would cost more than it saves.
 */
export function createRefusals(bucket = REFUSALS): Refusals {
  const limiter = createLimiter(bucket);
  const refused = new LRUCache<string, true>({ max: 50_000, ttl: (1_000 * bucket.capacity) / bucket.refillPerSecond });
  const keyOf = (address: string, thing: string): string => `${bucketOf(address)} ${thing}`;
  return {
    async assertFew(address, thing) {
      // A bucket that nothing was taken from is none, so that random tokens push no real count out.
      if (!refused.has(keyOf(address, thing))) return;
      const { remaining } = await limiter.take(keyOf(address, thing), 0);
      if (remaining < 1) throw tooMany(Math.ceil(1 / bucket.refillPerSecond));
    },
    async count(address, thing) {
      refused.set(keyOf(address, thing), true);
      await limiter.take(keyOf(address, thing));
    },
  };
}
