import type { Wake } from '../cluster/wake.ts';

/** Work by key: strictly one run at a time for a key, in parallel across keys. */
export type KeyedQueue = {
  /** Runs the key, or has its present run followed by another one. Settles with that run. */
  run(key: string): Promise<void>;
  /** Wakes the key again in a while; forgotten when closed. The sweeper would find it too, but only at its next look. */
  runLater(key: string, delayMs: number): void;
  busy(): number;
  /** Begins nothing any more. Resolves when what runs has ended, however it did. */
  close(): Promise<void>;
};

const AFTER_A_FAILURE_MS = 1_000;

/**
 * The loops of this process over the keys of a topic. A wake during a run is never lost: the run is followed by another.
 * A run that throws ends the loop of its key with its error; what woke it meanwhile is looked at a second later.
 */
export function createKeyedQueue(deps: {
  wake: Wake;
  topic: string;
  work: (key: string) => Promise<void>;
}): KeyedQueue {
  const { wake, topic, work } = deps;
  const running = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();
  let closing = false;

  async function loop(key: string): Promise<void> {
    try {
      while (again.delete(key) && !closing) await work(key);
    } catch (error) {
      if (again.delete(key)) runLater(key, AFTER_A_FAILURE_MS);
      throw error;
    } finally {
      // In the same step as the last look at `again`: a wake is either seen by it, or begins a new loop.
      running.delete(key);
    }
  }

  function runLater(key: string, delayMs: number): void {
    if (closing) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      wake.wake(topic, key);
    }, delayMs + 5);
    timers.add(timer);
  }

  function run(key: string): Promise<void> {
    if (closing) return Promise.resolve();
    again.add(key);
    const present = running.get(key);
    if (present) return present;
    const started = loop(key);
    running.set(key, started);
    return started;
  }

  const stop = wake.on(topic, run);
  return {
    run,
    runLater,
    busy: () => running.size,
    async close() {
      closing = true;
      stop();
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      await Promise.allSettled(running.values());
    },
  };
}
