import { DecryptError } from '../../platform/security/crypto.ts';
import { AppError } from '../../platform/errors.ts';
import { HttpStatusError, OutboundTimeoutError } from '../../platform/outbound/breaker.ts';
import { RefusedAddressError } from '../../platform/outbound/outside.ts';

const SECOND = 1;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Seconds from each failed attempt to the next: nine attempts within three days. */
const WAITS = [5 * SECOND, MINUTE, 10 * MINUTE, HOUR, 4 * HOUR, 10 * HOUR, 24 * HOUR, 30 * HOUR];
/** Less or more by so much, so that what failed together does not come back together. */
const JITTER = 0.2;
/** A receiver that asks for more patience than this is asked after it. */
const LONGEST_WAIT = 30 * HOUR;

export type Outcome =
  | { is: 'delivered'; status: number }
  /** the breaker of the endpoint is open at the last attempt, which is kept for when something can be tried */
  | { is: 'put off'; waitSeconds: number }
  | { is: 'failed'; status: number | null; error: string; waitSeconds: number | null }
  /** the endpoint said it wants nothing any more */
  | { is: 'gone'; status: number; error: string };

/** Seconds until the next attempt; null when that was the last. */
export function waitAfter(attempts: number, retryAfter = 0, chance = Math.random()): number | null {
  const wait = WAITS[attempts - 1];
  if (wait === undefined) return null;
  return Math.max(wait * (1 + JITTER * (2 * chance - 1)), Math.min(retryAfter, LONGEST_WAIT));
}

/** What a failure means, in words that are safe to show. */
export function outcomeOf(error: unknown, attempts: number): Exclude<Outcome, { is: 'delivered' }> {
  // An open breaker uses an attempt up: thousands that wait for a dead endpoint must not all look again every minute.
  if (error instanceof AppError && error.code === 'unavailable') {
    const waitSeconds = waitAfter(attempts, error.retryAfter);
    if (waitSeconds === null) return { is: 'put off', waitSeconds: error.retryAfter ?? MINUTE };
    return {
      is: 'failed',
      status: null,
      error: 'It failed again and again, and is left alone for a minute.',
      waitSeconds,
    };
  }
  if (error instanceof HttpStatusError) {
    const { status } = error;
    if (status === 410) return { is: 'gone', status, error: 'It answered 410: it wants no more webhooks.' };
    const redirects = status >= 300 && status < 400;
    const words = `It answered ${status}${redirects ? ': redirects are not followed' : ''}.`;
    return { is: 'failed', status, error: words, waitSeconds: waitAfter(attempts, error.retryAfterSeconds) };
  }
  return { is: 'failed', status: null, error: wordsOf(error), waitSeconds: waitAfter(attempts) };
}

function wordsOf(error: unknown): string {
  if (error instanceof RefusedAddressError) return error.message;
  if (error instanceof OutboundTimeoutError) return 'It did not answer in time.';
  if (error instanceof DecryptError)
    return 'Its address or secret cannot be read. Save the address again and rotate the secret.';
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? `No connection: ${code}.` : 'It could not be sent.';
}
