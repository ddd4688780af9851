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
  /** by inbox: the end of the line, and how many stand in it */
  const lines = new Map<string, { last: Promise<void>; length: number }>();

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
      const line = lines.get(inboxId) ?? { last: Promise.resolve(), length: 0 };
      if (line.length >= perSecond * WAIT_SECONDS) return WAIT_SECONDS * 1_000 * (1 + Math.random());
      lines.set(inboxId, line);
      line.length += 1;
      const mine = line.last.then(() => takeOne(limiter, inboxId, perSecond));
      line.last = mine;
      try {
        await mine;
      } finally {
        line.length -= 1;
        if (line.length === 0) lines.delete(inboxId);
      }
      return undefined;
    },
  };
}
