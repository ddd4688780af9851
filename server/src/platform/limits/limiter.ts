import { LRUCache } from 'lru-cache';

export type Verdict = {
  allow: boolean;
  retryAfterSeconds: number;
  /** what is left in the bucket, in whole units */
  remaining: number;
  /** until it is full again when nobody takes more */
  resetSeconds: number;
};

export type Limiter = {
  /**
   * Takes `cost` (1) from the key's bucket if there is enough; a negative cost gives back. `retryAfterSeconds` is 0 when
   * allowed, and else at least 1. Never rejects.
   */
  take(key: string, cost?: number): Promise<Verdict>;
  /** Forgets a key: a login that succeeded clears its failures. */
  reset(key: string): Promise<void>;
};

/** `capacity` at once, then `refillPerSecond`. */
export type Bucket = { capacity: number; refillPerSecond: number };

/** Makes the limiter of that name. One name is one set of keys, in all processes that count together. */
export type MakeLimiter = (name: string, bucket: Bucket) => Limiter;

/**
 * A token bucket per key, in this process. Memory is bounded by `maxKeys`; the key unused for longest is forgotten
 * first. `clock` gives milliseconds.
 */
export const createLimiter = (options: Bucket & { maxKeys?: number; clock?: () => number }): Limiter => {
  const { capacity, refillPerSecond, maxKeys = 50_000, clock = Date.now } = options;
  // Made when it is first asked, since it takes its room at once.
  let made: LRUCache<string, { tokens: number; at: number }> | undefined;

  return {
    take: async (key, cost = 1) => {
      const now = clock();
      const buckets = (made ??= new LRUCache({ max: maxKeys }));
      const bucket = buckets.get(key) ?? { tokens: capacity, at: now };
      // A clock set back must neither refill nor drain.
      const elapsed = Math.max(0, now - bucket.at) / 1_000;
      const tokens = Math.min(capacity, bucket.tokens + elapsed * refillPerSecond);
      const allow = tokens >= cost;
      const left = allow ? Math.min(capacity, tokens - cost) : tokens;
      buckets.set(key, { tokens: left, at: now });
      return {
        allow,
        retryAfterSeconds: allow ? 0 : Math.max(1, Math.ceil((cost - tokens) / refillPerSecond)),
        remaining: Math.floor(left),
        resetSeconds: Math.ceil((capacity - left) / refillPerSecond),
      };
    },
    reset: async (key) => {
      made?.delete(key);
    },
  };
};

/** Limits that hold for this process only. */
export const localLimits: MakeLimiter = (_name, bucket) => createLimiter(bucket);
