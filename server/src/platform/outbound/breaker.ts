import { setTimeout as sleep } from 'node:timers/promises';
import { BrokenCircuitError, circuitBreaker, CircuitState, handleWhen, timeout, TimeoutStrategy } from 'cockatiel';
import type { CircuitBreakerPolicy, IBreaker } from 'cockatiel';
import { LRUCache } from 'lru-cache';
import { unavailable } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { inSpan } from '../telemetry/tracing.ts';
import { isNetworkError, OutboundTimeoutError, retryAfterOf, statusOf } from './errors.ts';

export { HttpStatusError, OutboundTimeoutError, readRetryAfter } from './errors.ts';

export type OutboundOptions = {
  /** For each attempt. The work is given up then, whether or not it heeds its signal. */
  timeoutMs: number;
  /** How often to try in all (3). 1 for what must not happen twice: streams, sends without an idempotency key. */
  attempts?: number;
  /** Which failures are worth another attempt: network, timeout, 5xx and 429 unless told. */
  retryOn?: (error: unknown) => boolean;
  /** The caller's own wish to stop; counts neither as failure nor as success of the target. */
  signal?: AbortSignal;
};

export type BreakerState = 'closed' | 'open' | 'half-open';

export type Outbound = {
  /**
   * Runs `work` against `target` ("telegram", "openai", the host of a webhook). The work throws HttpStatusError for an
   * answer that is a failure, reads the whole answer before it returns, and passes the signal on.
   * Throws what the work threw last; OutboundTimeoutError; AppError "unavailable" (503, with retryAfter) while the
   * target's breaker is open; the signal's reason when the caller stopped.
   */
  call<T>(target: string, work: (signal: AbortSignal) => Promise<T>, options: OutboundOptions): Promise<T>;
  /** Every target called so far with what was counted since the start, for whoever runs the installation. */
  report(): Record<string, TargetReport>;
};

/** One target since the start of the process. `attempts` holds the retries; `failures` those that say it is ill. */
export type TargetReport = {
  state: BreakerState;
  attempts: number;
  failures: number;
  timeouts: number;
  retries: number;
  opened: number;
  /** until it is asked again, while open */
  retryAfterSeconds?: number;
};

/**
 * The target without the host it names: "model:openai:api.example.com" is counted as "model:openai", since hosts are
 * chosen by customers and a metric's labels must stay few.
 */
export const labelOf = (target: string): string => target.split(':', 2).join(':');

const FAILURES = 5;
const WINDOW_MS = 30_000;
const OPEN_MS = 60_000;
/** A busy target with a failure now and then stays closed: 5 of the last 10 calls must have failed. */
const CALLS_LOOKED_AT = 10;
/** A longer Retry-After is not waited for here; the error goes to the caller, whose job can be put off. */
const MAX_WAIT_MS = 10_000;
const MAX_TARGETS = 1_000;

const createWindow = (): IBreaker => {
  let calls: { at: number; failed: boolean }[] = [];
  const note = (failed: boolean, state: CircuitState): boolean => {
    const now = Date.now();
    if (state === CircuitState.HalfOpen) calls = [];
    calls = [...calls.filter((call) => call.at > now - WINDOW_MS), { at: now, failed }].slice(-CALLS_LOOKED_AT);
    return state !== CircuitState.Closed || calls.filter((call) => call.failed).length >= FAILURES;
  };
  return {
    get state() {
      return calls;
    },
    set state(_stored) {
      // Breakers start closed in every process; nothing restores them.
      calls = [];
    },
    success: (state) => {
      note(false, state);
    },
    failure: (state) => note(true, state),
  };
};

/** Only what says the target is ill opens its breaker. 4xx is our fault; 429 is a healthy target asking for patience. */
const isIll = (error: unknown): boolean => {
  const status = statusOf(error);
  return status === undefined ? isNetworkError(error) || error instanceof OutboundTimeoutError : status >= 500;
};

const isWorthRetrying = (error: unknown): boolean => isIll(error) || statusOf(error) === 429;

/** Never leaves this file: callers get their own signal's reason. */
class CallerStopped extends Error {}

type Guard = {
  policy: CircuitBreakerPolicy;
  openedAt: number | undefined;
  counted: Pick<TargetReport, 'attempts' | 'failures' | 'timeouts' | 'retries' | 'opened'>;
};

const stateName = (guard: Guard): BreakerState => {
  if (guard.policy.state === CircuitState.Closed) return 'closed';
  const waited = guard.openedAt !== undefined && Date.now() - guard.openedAt >= OPEN_MS;
  return guard.policy.state === CircuitState.HalfOpen || waited ? 'half-open' : 'open';
};

type OutboundMetrics = Pick<
  Metrics,
  'beforeRender' | 'breakerState' | 'breakerOpened' | 'outboundRequests' | 'outboundRetries' | 'outboundDuration'
>;

const gaugeValue: Record<BreakerState, number> = { closed: 0, 'half-open': 1, open: 2 };

const reportOf = (guard: Guard): TargetReport => {
  const state = stateName(guard);
  const left = OPEN_MS - (Date.now() - (guard.openedAt ?? 0));
  return { state, ...guard.counted, ...(state === 'open' ? { retryAfterSeconds: Math.ceil(left / 1_000) } : {}) };
};

const outcomeOf = (error: unknown): string => {
  if (error instanceof OutboundTimeoutError) return 'timeout';
  const status = statusOf(error);
  if (status === undefined) return isNetworkError(error) ? 'network' : 'error';
  return status === 429 ? 'limited' : status >= 500 ? 'server_error' : 'client_error';
};

/**
 * The one way out of the process: timeout, retries with jitter, a breaker for each target (5 failures in 30 s open it
 * for 60 s; then one call decides). `backoffMs` is the first wait between attempts; it doubles, plus up to half of it.
 */
export const createOutbound = (parts: { log: Logger; metrics?: OutboundMetrics; backoffMs?: number }): Outbound => {
  const { log, metrics, backoffMs = 250 } = parts;
  const guards = new LRUCache<string, Guard>({ max: MAX_TARGETS });
  // Looked at when asked for: an open breaker turns half-open by time alone. Of hosts under one label, the worst shows.
  metrics?.beforeRender(() => {
    const worst = new Map<string, number>();
    for (const [target, guard] of guards.entries()) {
      const label = labelOf(target);
      worst.set(label, Math.max(worst.get(label) ?? 0, gaugeValue[stateName(guard)]));
    }
    metrics.breakerState.reset();
    for (const [target, value] of worst) metrics.breakerState.set({ target }, value);
  });

  const guardOf = (target: string): Guard => {
    const known = guards.get(target);
    if (known) return known;
    // A trial the caller broke off proves nothing: the breaker stays as it is, which in half-open means open again.
    const policy: CircuitBreakerPolicy = circuitBreaker(
      handleWhen((error) => isIll(error) || (error instanceof CallerStopped && policy.state === CircuitState.HalfOpen)),
      { breaker: createWindow(), halfOpenAfter: OPEN_MS },
    );
    const counted = { attempts: 0, failures: 0, timeouts: 0, retries: 0, opened: 0 };
    const guard: Guard = { policy, openedAt: undefined, counted };
    policy.onStateChange((state) => {
      guard.openedAt = state === CircuitState.Open ? Date.now() : undefined;
      const name = stateName(guard);
      if (name === 'open') {
        counted.opened += 1;
        metrics?.breakerOpened.inc({ target: labelOf(target) });
      }
      log[name === 'open' ? 'warn' : 'info']({ target, breaker: name }, 'breaker changed');
    });
    guards.set(target, guard);
    return guard;
  };

  const attemptOnce = async <T>(
    target: string,
    { counted }: Guard,
    work: (signal: AbortSignal) => Promise<T>,
    options: OutboundOptions,
  ): Promise<T> => {
    let given: AbortSignal | undefined;
    const label = labelOf(target);
    const started = performance.now();
    const count = (outcome: string): void => {
      counted.attempts += 1;
      metrics?.outboundRequests.inc({ target: label, outcome });
      metrics?.outboundDuration.observe({ target: label }, (performance.now() - started) / 1_000);
    };
    // The signal is not fired on return: a body handed out by the work would be cut off.
    const limit = timeout(options.timeoutMs, { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false });
    try {
      const result = await limit.execute(async ({ signal }) => {
        given = signal;
        return await work(signal);
      }, options.signal);
      count('ok');
      return result;
    } catch (error) {
      if (options.signal?.aborted) throw new CallerStopped();
      const final = given?.aborted ? new OutboundTimeoutError(target, options.timeoutMs, error) : error;
      count(outcomeOf(final));
      if (isIll(final)) counted.failures += 1;
      if (final instanceof OutboundTimeoutError) counted.timeouts += 1;
      throw final;
    }
  };

  /** Milliseconds to the next attempt, undefined when there is none. */
  const waitBefore = (error: unknown, attempt: number, options: OutboundOptions): number | undefined => {
    if (attempt >= (options.attempts ?? 3) || !(options.retryOn ?? isWorthRetrying)(error)) return undefined;
    const backoff = backoffMs * 2 ** (attempt - 1) * (1 + Math.random() / 2);
    const wait = Math.max(backoff, (retryAfterOf(error) ?? 0) * 1_000);
    return wait > MAX_WAIT_MS ? undefined : wait;
  };

  const call = async <T>(
    target: string,
    work: (signal: AbortSignal) => Promise<T>,
    options: OutboundOptions,
  ): Promise<T> => {
    const guard = guardOf(target);
    let lastError: unknown;
    for (let attempt = 1; ; attempt += 1) {
      options.signal?.throwIfAborted();
      try {
        const attributes = { 'parley.target': labelOf(target), 'parley.attempt': attempt };
        return await guard.policy.execute(() =>
          inSpan(`call ${labelOf(target)}`, { kind: 'client', attributes }, () =>
            attemptOnce(target, guard, work, options),
          ),
        );
      } catch (error) {
        options.signal?.throwIfAborted();
        if (error instanceof BrokenCircuitError) {
          const left = OPEN_MS - (Date.now() - (guard.openedAt ?? Date.now()));
          throw unavailable('A service this needs cannot be reached at present.', left / 1_000, lastError ?? error);
        }
        lastError = error;
        const wait = waitBefore(error, attempt, options);
        if (wait === undefined) throw error;
        guard.counted.retries += 1;
        metrics?.outboundRetries.inc({ target: labelOf(target) });
        log.debug({ target, attempt, wait, err: error }, 'trying again');
        // Own loop, since the library's retry neither gives up on a long Retry-After nor wakes when the caller stops.
        await pause(wait, options.signal);
      }
    }
  };

  return {
    call,
    report: () => Object.fromEntries([...guards.entries()].map(([target, guard]) => [target, reportOf(guard)])),
  };
};

const pause = async (milliseconds: number, signal: AbortSignal | undefined): Promise<void> => {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
};
