/**
 * "There is work for this key": it starts at once instead of at the next look. In this process, and by notifier.ts in the
 * others. It promises nothing: work is found in tables, and the sweeper finds what a lost wake left.
 */
export type Wake = {
  /** Calls `listener` for each key woken under `topic`. Returns how to stop. */
  on(topic: string, listener: (key: string) => void | Promise<void>): () => void;
  /** Returns at once; listeners run after the caller's present step. Waking a key twice before that runs it once. */
  wake(topic: string, key: string): void;
};

/** What was missed cannot be known: every cache that wakes keep fresh is emptied. */
export const RESYNC = 'resync';

/** With what the notifier of other processes needs. */
export type WakeBus = Wake & {
  /** Wakes this process only: for what came from another one. */
  notifyLocal(topic: string, key: string): void;
  /** Whether this process listens. */
  hasListener(topic: string): boolean;
  /** Calls one listener for every `wake`, also of topics without one in this process. It must neither throw nor wait. */
  forward(listener: (topic: string, key: string) => void): void;
};

/** `report` gets the failures of listeners; without it a failure ends the process as an unhandled rejection. */
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

  let forwardTo: ((topic: string, key: string) => void) | undefined;

  const notifyLocal = (topic: string, key: string): void => {
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
      forwardTo?.(topic, key);
      notifyLocal(topic, key);
    },
    notifyLocal,
    hasListener: (topic) => listeners.has(topic),
    forward: (listener) => {
      forwardTo = listener;
    },
  };
};
