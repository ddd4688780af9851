/**
 * Group commit: what arrives while a write of the same lane is under way goes out together in the next one. Nobody waits
 * for a timer; a caller alone is served at once. A group that fails is tried again entry by entry, so that one bad entry
 * fails alone; all of them at once, so that a database that is away keeps nobody waiting for the others.
 */
export function createGrouped<Entry, Result>(parts: {
  /** writes the entries of one lane; answers in the same order */
  write: (lane: string, entries: Entry[]) => Promise<Result[]>;
  /** entries in one write at most */
  most: number;
  /** writes of a lane under way at a time */
  atOnce: number;
}): (lane: string, entry: Entry) => Promise<Result> {
  type Waiting = { entry: Entry; resolve: (result: Result) => void; reject: (error: unknown) => void };
  const lanes = new Map<string, { waiting: Waiting[]; running: number }>();

  async function writeGroup(lane: string, group: Waiting[]): Promise<void> {
    try {
      const results = await parts.write(
        lane,
        group.map(({ entry }) => entry),
      );
      group.forEach(({ resolve, reject }, index) => {
        const result = results[index];
        if (result === undefined) reject(new Error('a grouped write left an entry without an answer'));
        else resolve(result);
      });
    } catch (error) {
      if (group.length === 1) group[0]?.reject(error);
      else await Promise.all(group.map((alone) => writeGroup(lane, [alone])));
    }
  }

  function pump(lane: string): void {
    const state = lanes.get(lane);
    if (!state) return;
    while (state.waiting.length > 0 && state.running < parts.atOnce) {
      state.running += 1;
      void writeGroup(lane, state.waiting.splice(0, parts.most)).finally(() => {
        state.running -= 1;
        if (state.waiting.length === 0 && state.running === 0) lanes.delete(lane);
        else pump(lane);
      });
    }
  }

  return (lane, entry) =>
    new Promise((resolve, reject) => {
      const state = lanes.get(lane) ?? { waiting: [], running: 0 };
      lanes.set(lane, state);
      state.waiting.push({ entry, resolve, reject });
      pump(lane);
    });
}
