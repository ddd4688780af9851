import type { Logger } from './log.ts';
import { isNetworkError } from '../outbound/errors.ts';

/** Says once that something is away, and once that it is back, whatever the number of those who notice. */
export type Outage = {
  /** Somebody could not reach it. */
  failed(error: unknown): void;
  /** Something that may have a reason of its own: told only when a look finds it away. */
  suspected(): void;
  isOn(): boolean;
  close(): void;
};

const LOOK_EVERY_MS = 1_000;

/** What PostgreSQL says of a connection it ends or does not take (shutting down, starting, too many). */
const REFUSED_BY_SERVER = /^(57P0[123]|53300|08\d\d\d)$/;
const LOST =
  /connection (is closed|terminated|ended|is lost)|timeout exceeded when trying to connect|^timeout expired$|^query read timeout$|command timed out|max retries per request|stream isn't writeable|client has encountered a connection error|not queryable/i;

/** Whether an error says that a server is away rather than that something is wrong: its outage is told once, elsewhere. */
export function isConnectionLoss(error: unknown): boolean {
  if (isNetworkError(error)) return true;
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return REFUSED_BY_SERVER.test(code) || LOST.test(error.message) || isConnectionLoss(error.cause);
}

/**
 * One line when an outage begins, one when it is over. Those who notice do not have to notice the end: while the outage
 * lasts, `probe` looks once a second.
 */
export function createOutage(parts: {
  log: Logger;
  /** "Redis", "the database": the lines are "… is away: …" and "… is back" */
  name: string;
  /** what it means for people while it lasts */
  meaning: string;
  probe: () => Promise<unknown>;
  lookEveryMs?: number;
  /** looks this often while nothing is known to be wrong, too; without it only others notice */
  watchEveryMs?: number;
}): Outage {
  const { log, name, meaning, probe, lookEveryMs = LOOK_EVERY_MS, watchEveryMs } = parts;
  let since: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const watch = watchEveryMs
    ? setInterval(() => {
        if (since === undefined) probe().catch(failed);
      }, watchEveryMs).unref()
    : undefined;

  function look(): void {
    timer = setTimeout(() => {
      probe().then(over, () => {
        if (!closed) look();
      });
    }, lookEveryMs);
    timer.unref();
  }

  function over(): void {
    if (closed || since === undefined) return;
    log.info({ dependency: name, seconds: Math.round((performance.now() - since) / 1_000) }, `${name} is back`);
    since = undefined;
  }

  function failed(error: unknown): void {
    if (closed || since !== undefined) return;
    since = performance.now();
    log.warn({ err: error, dependency: name }, `${name} is away: ${meaning}`);
    look();
  }

  let suspicion: Promise<unknown> | undefined;

  return {
    failed,
    suspected() {
      if (closed || since !== undefined) return;
      suspicion ??= probe()
        .catch(failed)
        .finally(() => (suspicion = undefined));
    },
    isOn: () => since !== undefined,
    close() {
      closed = true;
      clearTimeout(timer);
      clearInterval(watch);
    },
  };
}
