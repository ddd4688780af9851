/**
 * The bell: "there is work for this key". It makes work start at once instead of at the next poll.
 * It rings in this process, and through wake-bridge.ts in others. It promises nothing: work is found in tables, and the sweeper finds what a lost bell left.
 */
export type Wake = {
  /** Calls `listener` for each key woken under `topic`. Returns how to stop. */
  on(topic: string, listener: (key: string) => void | Promise<void>): () => void;
  /** Returns at once; listeners run after the caller's present step. Waking a key twice before that runs it once. */
  wake(topic: string, key: string): void;
};

/** What was missed cannot be known: everybody who remembers something that bells keep fresh forgets it. */
export const RESYNC = 'resync';

/** The bell with what a bridge to other processes needs of it. */
export type WakeBus = Wake & {
  /** Wakes this process only: for what another process said. */
  ring(topic: string, key: string): void;
  /** Whether anybody in this process listens. */
  hears(topic: string): boolean;
  /** Tells one listener of every `wake`, also of topics nobody here listens to. It must neither throw nor wait. */
  tap(listener: (topic: string, key: string) => void): void;
};

/** `report` hears of listeners that fail; without it a failure ends the process as an unhandled rejection. */
export const createWake = (report?: (error: unknown, topic: string, key: string) => void): WakeBus => {
  const listeners = new Map<string, Set<(key: string) => void | Promise<void>>>();
  const pending = new Map<string, Set<string>>();

  const run = async (listener: (key: string) => void | Promise<void>, topic: string, key: string): Promise<void> => {
    try {
      await listener(key);
    } catch (error) {
      if (!report) throw error;
      report(error, topic, key);
    }
  };

  let tapped: ((topic: string, key: string) => void) | undefined;

  const ring = (topic: string, key: string): void => {
    if (!listeners.has(topic)) return;
    const keys = pending.get(topic) ?? new Set();
    pending.set(topic, keys);
    if (keys.has(key)) return;
    keys.add(key);
    // setImmediate keeps the request's context, so the work logs the id of the request that caused it.
    setImmediate(() => {
      keys.delete(key);
      if (keys.size === 0 && pending.get(topic) === keys) pending.delete(topic);
      for (const listener of [...(listeners.get(topic) ?? [])]) void run(listener, topic, key);
    });
  };

  return {
    on: (topic, listener) => {
      const set = listeners.get(topic) ?? new Set();
      listeners.set(topic, set.add(listener));
      return () => {
        set.delete(listener);
        if (set.size === 0 && listeners.get(topic) === set) listeners.delete(topic);
      };
    },
    wake: (topic, key) => {
      tapped?.(topic, key);
      ring(topic, key);
    },
    ring,
    hears: (topic) => listeners.has(topic),
    tap: (listener) => {
      tapped = listener;
    },
  };
};
