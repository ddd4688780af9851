import { overloaded } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/**
 * What is refused under pressure, in this order: what costs much and can wait, then people at the dashboard and
 * programs, then visitors, and what platforms bring last of all, since it is cheap to take in and not brought for ever.
 */
export const kindsOfWork = ['heavy', 'ordinary', 'visitors', 'webhooks'] as const;
export type KindOfWork = (typeof kindsOfWork)[number];

export type Signal = {
  /** "event loop" */
  name: string;
  /** What it is at now; called at every look. Must not wait, nor throw. */
  read(): number;
  /** From where on each kind is refused, in the order above; infinite for what this signal never refuses. */
  limits: readonly [number, number, number, number];
};

export type PressureReport = { refused: KindOfWork[]; signals: Record<string, number> };

export type Pressure = {
  /** @throws AppError "unavailable" (503, with retryAfter) while this kind of work is refused */
  admit(kind: KindOfWork): void;
  report(): PressureReport;
  /** Looks once. Done by itself after `start`. */
  look(): void;
  start(): void;
  close(): void;
};

const EVERY_MS = 500;
/** A level has to hold for so many looks in a row before anything is refused. */
const SEEN = 4;
/** A kind of work is taken again below this share of its limit… */
const CALM = 0.8;
/** …for this many looks, one kind after the other: else it would all come back at once and be refused again. */
const CALM_LOOKS = 6;
/** Callers that were sent away together come back apart. */
const retryAfter = (): number => 2 + Math.floor(Math.random() * 4);

const reached = ({ limits }: Signal, value: number): number => limits.filter((limit) => value >= limit).length;

/**
 * Refuses work before memory or waiting runs away. A level has to last for four looks, two seconds: a long pause, or a
 * burst that is gone again, refuses nobody.
 */
export function createPressure(parts: {
  signals: Signal[];
  log: Logger;
  metrics: Pick<Metrics, 'pressureLevel' | 'pressureSignal' | 'workRefused'>;
  everyMs?: number;
}): Pressure {
  const { signals, log, metrics, everyMs = EVERY_MS } = parts;
  /** how many kinds are refused, from the first on */
  let level = 0;
  let seen: number[] = [];
  let calmLooks = 0;
  let values: Record<string, number> = {};
  let timer: NodeJS.Timeout | undefined;

  function change(to: number): void {
    const isMore = to > level;
    level = to;
    calmLooks = 0;
    metrics.pressureLevel.set(level);
    const refused = kindsOfWork.slice(0, level);
    log[isMore ? 'warn' : 'info']({ refused, signals: values }, isMore ? 'under pressure' : 'pressure eases');
  }

  function look(): void {
    const read = signals.map((signal) => ({ signal, value: signal.read() }));
    values = Object.fromEntries(read.map(({ signal, value }) => [signal.name, Math.round(value * 100) / 100]));
    for (const { signal, value } of read) metrics.pressureSignal.set({ signal: signal.name }, value);
    const most = (share: number): number =>
      Math.max(0, ...read.map(({ signal, value }) => reached(signal, value / share)));
    const now = most(1);
    seen = [...seen.slice(1 - SEEN), now];
    const sustained = seen.length < SEEN ? 0 : Math.min(...seen);
    if (sustained > level) {
      change(sustained);
      return;
    }
    calmLooks = most(CALM) < level ? calmLooks + 1 : 0;
    if (level > 0 && calmLooks >= CALM_LOOKS) change(level - 1);
  }

  metrics.pressureLevel.set(0);
  return {
    admit(kind) {
      if (kindsOfWork.indexOf(kind) >= level) return;
      metrics.workRefused.inc({ kind });
      throw overloaded(retryAfter());
    },
    report: () => ({ refused: kindsOfWork.slice(0, level), signals: values }),
    look,
    start: () => {
      timer ??= setInterval(look, everyMs).unref();
    },
    close: () => clearInterval(timer),
  };
}
