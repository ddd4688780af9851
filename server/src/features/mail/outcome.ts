import type { MailItem } from '@parley/contract';
import { AppError } from '../../platform/errors.ts';
import { MailError } from '../../platform/mail/index.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
/** Seconds from each failed try to the next: nine tries within a day and a half, or until the mail is over. */
const WAITS = [5, 30, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 2 * HOUR, 8 * HOUR, 24 * HOUR];
const JITTER = 0.2;

type Failed = {
  error: NonNullable<MailItem['error']> | null;
  detail: string | null;
  /** null: not again */
  waitSeconds: number | null;
  /** false: nothing was tried */
  counts: boolean;
};

/** What becomes of a mail after a try that failed. `firstWait` shortens the waits of tests, in seconds. */
export function afterFailure(error: unknown, tries: number, firstWait = 5, chance = Math.random()): Failed {
  if (error instanceof AppError)
    return { error: null, detail: null, waitSeconds: error.retryAfter ?? MINUTE, counts: false };
  if (!(error instanceof MailError)) throw error;
  const wait = WAITS[tries - 1];
  const waitSeconds =
    error.permanent || wait === undefined ? null : ((wait * firstWait) / 5) * (1 + JITTER * (2 * chance - 1));
  return { error: error.reason, detail: error.detail, waitSeconds, counts: true };
}
