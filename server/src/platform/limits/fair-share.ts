/** Runs work, so much at a time, and shares the places among groups. */
export type FairShare = {
  run<T>(group: string, work: () => Promise<T>): Promise<T>;
  waiting(): number;
};

/**
 * `slots` pieces of work run at a time. No group has more than three quarters of them, so that whoever floods leaves room;
 * of those that wait, the group that has the fewest goes first, and inside a group whoever came first.
 */
export function createFairShare(slots: number): FairShare {
  const perGroup = Math.max(1, Math.ceil(slots * 0.75));
  const running = new Map<string, number>();
  /** the group served last is the last of them */
  const waiting = new Map<string, (() => void)[]>();
  let taken = 0;

  const runningOf = (group: string): number => running.get(group) ?? 0;
  const hasRoom = (group: string): boolean => taken < slots && runningOf(group) < perGroup;

  function take(group: string): void {
    taken += 1;
    running.set(group, runningOf(group) + 1);
  }

  function give(group: string): void {
    taken -= 1;
    const left = runningOf(group) - 1;
    if (left > 0) running.set(group, left);
    else running.delete(group);
    let next: string | undefined;
    for (const one of waiting.keys())
      if (hasRoom(one) && (next === undefined || runningOf(one) < runningOf(next))) next = one;
    if (next === undefined) return;
    const line = waiting.get(next) ?? [];
    const begin = line.shift();
    waiting.delete(next);
    if (line.length > 0) waiting.set(next, line);
    take(next);
    begin?.();
  }

  return {
    async run(group, work) {
      if (hasRoom(group)) take(group);
      else {
        const { promise, resolve } = Promise.withResolvers<void>();
        const line = waiting.get(group);
        if (line) line.push(resolve);
        else waiting.set(group, [resolve]);
        await promise;
      }
      try {
        return await work();
      } finally {
        give(group);
      }
    },
    waiting: () => [...waiting.values()].reduce((sum, line) => sum + line.length, 0),
  };
}
