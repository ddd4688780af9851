import { setTimeout as pause } from 'node:timers/promises';
import type { Channel } from './contract.ts';
import type { Limiter, MakeLimiter } from '../platform/limits/limiter.ts';

/** A message waits here for as many seconds at most; one that would wait longer is put off in the table. */
const WAIT_SECONDS = 2;

/**
 * Holds sends to what a platform takes of one inbox (`limits.perSecond` of its channel, counted by all processes
 * together). Those of one process go in the order they came, and only the first asks the shared count, so that a crowd
 * costs no statements while it waits.
 */
export function createPacing(makeLimiter: MakeLimiter) {
  const limiters = new Map<string, Limiter>();
  /** by inbox: the end of the line, how many stand in it, and when the last that was put off is due (`performance.now()`) */
  const lines = new Map<string, { last: Promise<void>; length: number; putOffUntil: number }>();

  async function takeOne(limiter: Limiter, inboxId: string, perSecond: number): Promise<void> {
    while (!(await limiter.take(inboxId)).allow) await pause(1_000 / perSecond);
  }

  return {
    /** Undefined when the platform takes another call of this inbox now; else after how many milliseconds to ask again. */
    async wait({ limits, name }: Pick<Channel, 'limits' | 'name'>, inboxId: string): Promise<number | undefined> {
      const { perSecond } = limits;
      if (perSecond === undefined) return undefined;
      const limiter =
        limiters.get(name) ?? makeLimiter(`send:${name}`, { capacity: perSecond, refillPerSecond: perSecond });
      limiters.set(name, limiter);
      const line = lines.get(inboxId) ?? { last: Promise.resolve(), length: 0, putOffUntil: 0 };
      lines.set(inboxId, line);
      if (line.length >= perSecond * WAIT_SECONDS) {
        // Each has a moment of its own, in the order they came: a crowd that came back at once would be put off again.
        const now = performance.now();
        line.putOffUntil = Math.max(line.putOffUntil, now + WAIT_SECONDS * 1_000) + 1_000 / perSecond;
        return line.putOffUntil - now;
      }
      line.length += 1;
      const mine = line.last.then(() => takeOne(limiter, inboxId, perSecond));
      line.last = mine;
      try {
        await mine;
      } finally {
        line.length -= 1;
        if (line.length === 0 && line.putOffUntil < performance.now()) lines.delete(inboxId);
      }
      return undefined;
    },
  };
}
