import { tooMany } from '../../platform/errors.ts';
import { bucketOf } from '../../platform/http/proxies.ts';
import { createLimiter } from '../../platform/limits/limiter.ts';
import type { FindInbox, InboxDirectory } from './directory.ts';

/** Tokens nobody has, per address. Platforms repeat for a while what they had for an inbox that was removed. */
const GUESSES = { capacity: 1_000, refillPerSecond: 10 };

/**
 * Finds an inbox for whoever comes from an address, outside of the limits of the API: a token costs the database a look
 * when it is new, and whoever tries many that nobody has is sent away. Counted by each process alone, which costs nothing.
 *
 * @throws too many requests
 */
export function createInboxFinder(inboxes: InboxDirectory, guesses = GUESSES): FindInbox {
  const limiter = createLimiter(guesses);
  return async (token, address) => {
    if (inboxes.remembers(token)) return inboxes.byToken(token);
    const from = bucketOf(address);
    const { allow, retryAfterSeconds } = await limiter.take(from);
    if (!allow) throw tooMany(retryAfterSeconds);
    const inbox = await inboxes.byToken(token);
    if (inbox) await limiter.take(from, -1);
    return inbox;
  };
}
