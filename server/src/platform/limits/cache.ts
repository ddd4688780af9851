import { LRUCache } from 'lru-cache';

export type Cache<Value extends {}> = {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  /** Also makes a load under way forget its result, since that may be from before the change. */
  delete(key: string): void;
  clear(): void;
  /** The kept value, or that of `fetch`. Callers that ask at once share one fetch; a failure is kept by nobody. */
  load(key: string, fetch: () => Promise<Value>): Promise<Value>;
};

/** Keeps up to `max` values for `ttlMs` milliseconds in this process. Keys must contain the workspace. */
export const createCache = <Value extends {}>(options: { max: number; ttlMs: number }): Cache<Value> => {
  const kept = new LRUCache<string, Value>({ max: options.max, ttl: options.ttlMs });
  const underWay = new Map<string, Promise<Value>>();

  const load = (key: string, fetch: () => Promise<Value>): Promise<Value> => {
    const value = kept.get(key);
    if (value !== undefined) return Promise.resolve(value);
    const running = underWay.get(key);
    if (running) return running;
    const fetchAndKeep = async (): Promise<Value> => {
      // One turn of the queue first, so that this load is registered whatever fetch does.
      await Promise.resolve();
      try {
        const fetched = await fetch();
        if (underWay.get(key) === started) kept.set(key, fetched);
        return fetched;
      } finally {
        if (underWay.get(key) === started) underWay.delete(key);
      }
    };
    const started = fetchAndKeep();
    underWay.set(key, started);
    return started;
  };

  return {
    get: (key) => kept.get(key),
    set: (key, value) => {
      underWay.delete(key);
      kept.set(key, value);
    },
    delete: (key) => {
      underWay.delete(key);
      kept.delete(key);
    },
    clear: () => {
      underWay.clear();
      kept.clear();
    },
    load,
  };
};
