import { tooMany } from '../../platform/errors.ts';
import { bucketOf } from '../../platform/http/proxies.ts';
import type { MakeLimiter } from '../../platform/limiter.ts';

export type Throttle = {
  /** Counts a guess at the password of an account from an address, before it is looked at. @throws too-many */
  count(email: string, address: string): Promise<void>;
  /** It was right: the account starts over, and the address gets this one guess back. */
  forgive(email: string, address: string): Promise<void>;
};

/**
 * Ten wrong guesses at an account, known or not, then one every half minute; forty from an address, then one every
 * three seconds. Parallel guesses count like others, since they count before they are answered.
 */
export const createThrottle = (make: MakeLimiter): Throttle => {
  const accounts = make('login-account', { capacity: 10, refillPerSecond: 1 / 30 });
  const addresses = make('login-address', { capacity: 40, refillPerSecond: 1 / 3 });
  return {
    count: async (email, address) => {
      for (const { allow, retryAfterSeconds } of await Promise.all([
        addresses.take(bucketOf(address)),
        accounts.take(email),
      ])) {
        if (!allow) throw tooMany(retryAfterSeconds);
      }
    },
    forgive: async (email, address) => {
      // Not a reset: whoever has an account of their own could clear the count between guesses at others.
      await Promise.all([accounts.reset(email), addresses.take(bucketOf(address), -1)]);
    },
  };
};
