/**
 * Group commit: what arrives while a write of the same batch key is under way goes out together in the next one. Nobody waits
 * for a timer; a caller alone is served at once. Entries that share a key are written in the order they came: one waits for
 * a write under way that has its key. A group that fails is tried again entry by entry, so that one bad entry fails alone;
 * all of them at once but for the order of a key, so that a database that is away keeps nobody waiting for the others.
 */
export function createGroupCommit<Entry, Result>(options: {
  /** writes the entries of one batch key; answers in the same order */
  write: (batchKey: string, entries: Entry[]) => Promise<Result[]>;
  /** what must not be written out of order */
  keys: (entry: Entry) => string[];
  /** entries in one write at most */
  maxBatch: number;
  /** writes of a batch key under way at a time */
  concurrency: number;
}): (batchKey: string, entry: Entry) => Promise<Result> {
  type Waiting = {
    entry: Entry;
    keys: string[];
    resolve: (result: Result) => void;
    reject: (error: unknown) => void;
  };
  type Batch = { waiting: Waiting[]; running: number; written: Set<string> };
  const batches = new Map<string, Batch>();

  async function writeGroup(batchKey: string, group: Waiting[]): Promise<void> {
    try {
      const results = await options.write(
        batchKey,
        group.map(({ entry }) => entry),
      );
      group.forEach(({ resolve, reject }, index) => {
        const result = results[index];
        if (result === undefined) reject(new Error('a grouped write left an entry without an answer'));
        else resolve(result);
      });
    } catch (error) {
      if (group.length === 1) group[0]?.reject(error);
      else await writeApart(batchKey, group);
    }
  }

  async function writeApart(batchKey: string, group: Waiting[]): Promise<void> {
    const last = new Map<string, Promise<unknown>>();
    await Promise.all(
      group.map((alone) => {
        const before = alone.keys.flatMap((key) => last.get(key) ?? []);
        const written = Promise.all(before).then(() => writeGroup(batchKey, [alone]));
        for (const key of alone.keys) last.set(key, written);
        return written;
      }),
    );
  }

  /** The next group: what came first, but for what would overtake another of its key. */
  function take(state: Batch): Waiting[] {
    const blocked = new Set(state.written);
    const group: Waiting[] = [];
    const left: Waiting[] = [];
    for (const one of state.waiting) {
      const fits = group.length < options.maxBatch && !one.keys.some((key) => blocked.has(key));
      (fits ? group : left).push(one);
      if (!fits) for (const key of one.keys) blocked.add(key);
    }
    state.waiting = left;
    return group;
  }

  function pump(batchKey: string): void {
    const state = batches.get(batchKey);
    if (!state) return;
    while (state.waiting.length > 0 && state.running < options.concurrency) {
      const group = take(state);
      if (group.length === 0) return;
      // Two groups never have a key in common, so a set is enough to remember what is under way.
      const keys = group.flatMap((one) => one.keys);
      for (const key of keys) state.written.add(key);
      state.running += 1;
      void writeGroup(batchKey, group).finally(() => {
        state.running -= 1;
        for (const key of keys) state.written.delete(key);
        if (state.waiting.length === 0 && state.running === 0) batches.delete(batchKey);
        else pump(batchKey);
      });
    }
  }

  return (batchKey, entry) =>
    new Promise((resolve, reject) => {
      const state = batches.get(batchKey) ?? { waiting: [], running: 0, written: new Set() };
      batches.set(batchKey, state);
      state.waiting.push({ entry, keys: options.keys(entry), resolve, reject });
      pump(batchKey);
    });
}
