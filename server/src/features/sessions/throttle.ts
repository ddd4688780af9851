import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, tooMany } from '../../platform/errors.ts';
import { bucketOf } from '../../platform/http/proxies.ts';
import type { MakeLimiter, Verdict } from '../../platform/limits/limiter.ts';

/** A guess at the password of an account. `deviceId` is set for a device that signed in to this account before. */
export type Guess = { email: string; address: string; deviceId: string | undefined };

export type Throttle = {
  /** Counts a guess before it is looked at. @throws too-many; proof-needed when there is mail to prove oneself by */
  count(guess: Guess): Promise<void>;
  /** It was right: what it took is given back. */
  forgive(guess: Guess): Promise<void>;
  /** Somebody wants a link mailed. False when enough were mailed to this account lately. @throws too-many */
  countLink(email: string, address: string): Promise<boolean>;
  /** Somebody signed in wants another address: taken ones can be told from free ones, so few are looked at. @throws too-many */
  countAddressChange(userId: string): Promise<void>;
  /** Whether another refusal should be written down for the owner of the account: some are, not each. */
  isWorthNoting(email: string): Promise<boolean>;
};

const HOUR = 3_600;
/** In the slow lane nobody waits longer, and nobody is sent away: that would lock owners out. */
const LONGEST_WAIT_MS = 10_000;

export const proofNeeded = (retryAfterSeconds: number): AppError =>
  new AppError(
    'proof_needed',
    429,
    'There were too many wrong passwords for this account. Have a link sent to its mailbox, or try again later.',
    { retryAfter: retryAfterSeconds },
  );

const check = ({ allow, retryAfterSeconds }: Verdict): void => {
  if (!allow) throw tooMany(retryAfterSeconds);
};

/**
 * Guesses are counted by address, and by address and account together; never by the account alone in a way that keeps its
 * owner out (decision 25). A device the owner signed in with before counts for itself alone. Parallel guesses count like
 * others, since they count before they are answered. Whether an account exists makes no difference.
 */
export const createThrottle = (make: MakeLimiter, { canMail }: { canMail: boolean }): Throttle => {
  const devices = make('login-device', { capacity: 10, refillPerSecond: 1 / 30 });
  const addresses = make('login-address', { capacity: 40, refillPerSecond: 1 / 3 });
  // Fewer than make the account cautious: one address alone never does.
  const pairs = make('login-pair', { capacity: 10, refillPerSecond: 6 / HOUR });
  const accounts = make('login-unknown', { capacity: 20, refillPerSecond: 20 / HOUR });
  const cautious = make('login-cautious', { capacity: 3, refillPerSecond: 3 / HOUR });
  const slowLane = make('login-slow', { capacity: 20, refillPerSecond: 2 });
  const linkAddresses = make('login-link-address', { capacity: 10, refillPerSecond: 1 / 60 });
  // What was mailed before is good for longer than the wait for another.
  const linkAccounts = make('login-link-account', { capacity: 5, refillPerSecond: 1 / 180 });
  const addressChanges = make('login-address-change', { capacity: 5, refillPerSecond: 5 / HOUR });
  const notes = make('login-note', { capacity: 10, refillPerSecond: 1 / 60 });

  return {
    count: async ({ email, address, deviceId }) => {
      if (deviceId !== undefined) return check(await devices.take(deviceId));
      const at = bucketOf(address);
      const pair = `${email} ${at}`;
      check(await addresses.take(at));
      check(await pairs.take(pair));
      const account = await accounts.take(email);
      if (account.allow) return;
      if (canMail) throw proofNeeded(account.retryAfterSeconds);
      check(await cautious.take(pair));
      const { allow, retryAfterSeconds } = await slowLane.take('all');
      if (!allow) await sleep(Math.min(LONGEST_WAIT_MS, retryAfterSeconds * 1_000));
    },
    forgive: async ({ email, address, deviceId }) => {
      if (deviceId !== undefined) return devices.reset(deviceId);
      const at = bucketOf(address);
      const pair = `${email} ${at}`;
      // Not a reset of the address: whoever has an account of their own could clear it between guesses at others.
      await Promise.all([addresses.take(at, -1), pairs.reset(pair), cautious.reset(pair), accounts.take(email, -1)]);
    },
    countLink: async (email, address) => {
      check(await linkAddresses.take(bucketOf(address)));
      return (await linkAccounts.take(email)).allow;
    },
    countAddressChange: async (userId) => check(await addressChanges.take(userId)),
    isWorthNoting: async (email) => (await notes.take(email)).allow,
  };
};
