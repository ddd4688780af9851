import { unavailable } from '../errors.ts';

export type FairQueueOptions<Class extends string> = {
  /** most urgent first: a class waits while one before it has work */
  classes: readonly Class[];
  /** pieces of work at once */
  concurrency: number;
  /** pieces that may wait under one key and class, and under all keys together */
  maxWaiting: { perKey: number; all: number };
};

export type FairQueue<Class extends string> = {
  /**
   * Runs the work when its turn comes: by class, then one key after the other, then in the order of coming.
   *
   * @throws AppError 503 when too much waits already; the signal's reason while it waits; what the work throws
   */
  run<T>(turn: { class: Class; key: string; signal?: AbortSignal | undefined }, work: () => Promise<T>): Promise<T>;
  waiting(): number;
};

type Entry = { begin(): void };

/**
 * Turns at something of which there is too little. Whoever brings a thousand pieces waits for their own: another key's
 * first piece comes next. Work that runs is not interrupted, so pieces should be small.
 */
export function createFairQueue<Class extends string>(options: FairQueueOptions<Class>): FairQueue<Class> {
  const { classes, concurrency, maxWaiting } = options;
  // A Map keeps the order in which keys came. A key served goes to the end, one without work is forgotten.
  const waiting = new Map(classes.map((name) => [name, new Map<string, Set<Entry>>()] as const));
  let running = 0;
  let size = 0;

  function add(className: Class, key: string, entry: Entry): void {
    const keys = waiting.get(className);
    if (!keys) throw new Error(`the queue has no class ${className}`);
    const entries = keys.get(key) ?? new Set();
    if (size >= maxWaiting.all || entries.size >= maxWaiting.perKey)
      throw unavailable('Too much is waiting already. Try again in a while.', 5);
    entries.add(entry);
    keys.set(key, entries);
    size += 1;
  }

  function remove(className: Class, key: string, entry: Entry): void {
    const keys = waiting.get(className);
    const entries = keys?.get(key);
    if (!entries?.delete(entry)) return;
    size -= 1;
    if (entries.size === 0) keys?.delete(key);
  }

  function takeNext(): Entry | undefined {
    for (const keys of waiting.values()) {
      const [first] = keys;
      if (!first) continue;
      const [key, entries] = first;
      const [entry] = entries;
      if (!entry) continue;
      entries.delete(entry);
      keys.delete(key);
      if (entries.size > 0) keys.set(key, entries);
      size -= 1;
      return entry;
    }
    return undefined;
  }

  function fill(): void {
    while (running < concurrency) {
      const entry = takeNext();
      if (!entry) return;
      running += 1;
      entry.begin();
    }
  }

  return {
    waiting: () => size,
    async run(turn, work) {
      const { class: className, key, signal } = turn;
      signal?.throwIfAborted();
      const begun = Promise.withResolvers<void>();
      const entry: Entry = { begin: begun.resolve };
      const onAbort = (): void => {
        remove(className, key, entry);
        begun.reject(signal?.reason);
      };
      add(className, key, entry);
      signal?.addEventListener('abort', onAbort, { once: true });
      fill();
      try {
        await begun.promise;
      } finally {
        signal?.removeEventListener('abort', onAbort);
      }
      try {
        return await work();
      } finally {
        running -= 1;
        fill();
      }
    },
  };
}
