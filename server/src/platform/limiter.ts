import { LRUCache } from 'lru-cache';

export type Limiter = {
  /** Takes `cost` (1) from the key's bucket if there is enough. `retryAfterSeconds` is 0 when allowed. */
  take(key: string, cost?: number): { allow: boolean; retryAfterSeconds: number };
  /** Forgets a key: a login that succeeded clears its failures. */
  reset(key: string): void;
};

/**
 * A token bucket per key, in this process: `capacity` at once, then `refillPerSecond`. Memory is bounded by
 * `maxKeys`; the key unused for longest is forgotten first. `clock` gives milliseconds.
 */
export const createLimiter = (options: {
  capacity: number;
  refillPerSecond: number;
  maxKeys?: number;
  clock?: () => number;
}): Limiter => {
  const { capacity, refillPerSecond, maxKeys = 50_000, clock = Date.now } = options;
  const buckets = new LRUCache<string, { tokens: number; at: number }>({ max: maxKeys });

  return {
    take: (key, cost = 1) => {
      const now = clock();
      const bucket = buckets.get(key) ?? { tokens: capacity, at: now };
      // A clock set back must neither refill nor drain.
      const elapsed = Math.max(0, now - bucket.at) / 1_000;
      const tokens = Math.min(capacity, bucket.tokens + elapsed * refillPerSecond);
      const allow = tokens >= cost;
      buckets.set(key, { tokens: allow ? tokens - cost : tokens, at: now });
      if (allow) return { allow, retryAfterSeconds: 0 };
      return { allow, retryAfterSeconds: Math.max(1, Math.ceil((cost - tokens) / refillPerSecond)) };
    },
    reset: (key) => {
      buckets.delete(key);
    },
  };
};
