import type { Database } from '../data/index.ts';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { Signal } from './pressure.ts';

const RESOLUTION_MS = 20;

/** How long a pause of the event loop somebody met since the last look, on average, in milliseconds. */
export function eventLoopSignal(): Signal {
  // Not the histogram of perf_hooks: after a reset it forgets the pause it is in.
  let last = performance.now();
  let sum = 0;
  let squares = 0;
  const tick = (): void => {
    const now = performance.now();
    sum += now - last;
    squares += (now - last) ** 2;
    last = now;
  };
  setInterval(tick, RESOLUTION_MS).unref();
  return {
    name: 'event loop, ms',
    limits: [500, 1_500, 3_000, 5_000],
    read: () => {
      tick();
      // Weighted by time: who comes at any moment meets a long pause more likely than a short one.
      const met = sum > 0 ? squares / sum : 0;
      sum = 0;
      squares = 0;
      return Math.max(0, met - RESOLUTION_MS);
    },
  };
}

/** The share of what the JavaScript heap may grow to. */
export function heapSignal(): Signal {
  return {
    name: 'heap, share',
    limits: [0.85, 0.9, 0.94, 0.97],
    read: () => {
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
      return used / limit;
    },
  };
}

/** The share of what the container may use; 0 where nobody set a limit. */
export function memorySignal(): Signal {
  const limit = process.constrainedMemory();
  const isLimited = limit > 0 && limit < totalmem();
  return {
    name: 'memory, share',
    limits: [0.9, 0.93, 0.96, 0.98],
    read: () => (isLimited ? process.memoryUsage.rss() / limit : 0),
  };
}

/**
 * How long somebody waits for a database connection now, in milliseconds: one stands in line like everybody else.
 * A database that refuses connections is down rather than under pressure, and counts as no wait.
 *
 * @param stand waits for a connection and gives it back
 */
export function databaseSignal(
  stand: () => Promise<void>,
  limits: Signal['limits'] = [500, 1_000, 2_000, 4_000],
): Signal {
  let since: number | undefined;
  let last = 0;
  async function measure(): Promise<void> {
    const started = performance.now();
    since = started;
    last = await stand().then(
      () => performance.now() - started,
      () => 0,
    );
    since = undefined;
  }
  return {
    name: 'database wait, ms',
    limits,
    read: () => {
      if (since !== undefined) return Math.max(last, performance.now() - since);
      const waited = last;
      void measure();
      return waited;
    },
  };
}

/**
 * How far the workers are behind, in seconds. Taking messages in does not wait for them, so it is never refused for
 * this; what people and programs ask competes with the workers for the database.
 *
 * @param look asks for the number; one that fails leaves it as it was
 */
export function backlogSignal(look: () => Promise<number>, everyMs = 5_000): Signal {
  let value = 0;
  let due = 0;
  let underWay = false;
  async function measure(): Promise<void> {
    underWay = true;
    value = await look().catch(() => value);
    due = performance.now() + everyMs;
    underWay = false;
  }
  return {
    name: 'backlog, s',
    limits: [30, 120, Infinity, Infinity],
    read: () => {
      if (!underWay && performance.now() >= due) void measure();
      return value;
    },
  };
}

/** Everybody waits for one large write of the embedded database: for seconds that is slow, and no line that grows. */
const ONE_SESSION = [5_000, 10_000, 15_000, 20_000] as const;

/** The resources of this process. */
export const resourceSignals = (database: Pick<Database, 'kind' | 'pool'>): Signal[] => [
  eventLoopSignal(),
  heapSignal(),
  memorySignal(),
  databaseSignal(
    async () => (await database.pool.connect()).release(),
    database.kind === 'embedded' ? ONE_SESSION : undefined,
  ),
];
