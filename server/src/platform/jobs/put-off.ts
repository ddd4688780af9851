import { DelayedError } from 'bullmq';
import type { Job } from 'bullmq';
import { AppError } from '../errors.ts';

/** After a day the attempts count again, so that the job ends dead and the operator sees it. */
const AT_MOST_MS = 24 * 3_600_000;
const LONGEST_WAIT_S = 300;
/** For a service that is away and does not say for how long. */
const USUAL_WAIT_S = 15;

/** The seconds to wait after a failure that is no fault of the job: a breaker is open, a service is away. */
function secondsAsked(error: unknown): number | undefined {
  if (error instanceof AppError && error.retryAfter !== undefined) return Math.max(1, error.retryAfter);
  if (error instanceof AppError && error.code === 'unavailable') return USUAL_WAIT_S;
  return error instanceof Error ? secondsAsked(error.cause) : undefined;
}

/** The database is usually back in less. */
const DATABASE_WAIT_S = 5;

/**
 * Puts a job off that failed because something it needs is away, or asked it to come again later. It costs none of its
 * attempts: those are for faults of its own, and would be used up long before an open breaker lets anything through.
 *
 * @param isDatabaseAway whether it failed because of that
 * @returns what the processor has to throw; undefined when this failure is an attempt like any other
 */
export async function putOff(
  job: Job,
  token: string | undefined,
  error: unknown,
  isDatabaseAway = false,
): Promise<DelayedError | undefined> {
  const seconds = secondsAsked(error) ?? (isDatabaseAway ? DATABASE_WAIT_S : undefined);
  if (seconds === undefined || Date.now() - job.timestamp > AT_MOST_MS) return undefined;
  // A little later, and not all together: who knocks first after a breaker's pause knocks for all.
  const waitMs = Math.round(Math.min(seconds, LONGEST_WAIT_S) * 1_000 * (1 + Math.random() / 5));
  await job.moveToDelayed(Date.now() + waitMs, token);
  return new DelayedError();
}
