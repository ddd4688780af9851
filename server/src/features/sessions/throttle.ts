import { tooMany } from '../../platform/errors.ts';
import { createLimiter } from '../../platform/limiter.ts';

export type Throttle = {
  /** Counts a guess at the password of an account from an address, before it is looked at. @throws too-many */
  count(email: string, address: string): void;
  /** It was right: the account starts over, and the address gets this one guess back. */
  forgive(email: string, address: string): void;
};

/**
 * Ten wrong guesses at an account, known or not, then one every half minute; forty from an address, then one every
 * three seconds. Parallel guesses count like others, since they count before they are answered.
 */
export const createThrottle = (): Throttle => {
  const accounts = createLimiter({ capacity: 10, refillPerSecond: 1 / 30 });
  const addresses = createLimiter({ capacity: 40, refillPerSecond: 1 / 3 });
  return {
    count: (email, address) => {
      for (const { allow, retryAfterSeconds } of [addresses.take(address), accounts.take(email)]) {
        if (!allow) throw tooMany(retryAfterSeconds);
      }
    },
    forgive: (email, address) => {
      accounts.reset(email);
      // Not a reset: whoever has an account of their own could clear the count between guesses at others.
      addresses.take(address, -1);
    },
  };
};
