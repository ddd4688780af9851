import { LRUCache } from 'lru-cache';
import { newToken } from '../data/ids.ts';
import { RECOVERABLE_MS } from './recovery.ts';
import type { History, KeptEvent, LostConnection } from './recovery.ts';

const CONNECTIONS_AT_MOST = 10_000;
const EVENTS_AT_MOST = 5_000;
/** of what events say, roughly, in UTF-16 units */
const LETTERS_AT_MOST = 8_000_000;

/** A quick guess at the size of a payload: its texts, some levels deep. */
function lettersIn(value: unknown, depth = 0): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null || depth > 4) return 8;
  let sum = 16;
  for (const inner of Object.values(value)) sum += lettersIn(inner, depth + 1);
  return sum;
}

export type MemoryLimits = { events: number; letters: number; ttlMs: number };

/** The history of a process that is alone: what does not fit is forgotten, oldest first. */
export function createMemoryHistory(
  limits: MemoryLimits = { events: EVENTS_AT_MOST, letters: LETTERS_AT_MOST, ttlMs: RECOVERABLE_MS },
) {
  const connections = new LRUCache<string, LostConnection>({ max: CONNECTIONS_AT_MOST, ttl: limits.ttlMs });
  /** Offsets of an earlier process mean nothing here. */
  const life = newToken().slice(0, 8).replaceAll('-', '_');
  const events: (KeptEvent & { at: number; letters: number })[] = [];
  let dropped = 0;
  let letters = 0;

  function trim(): void {
    const since = performance.now() - limits.ttlMs;
    let count = 0;
    for (const event of events) {
      const fits = events.length - count <= limits.events && letters <= limits.letters && event.at >= since;
      if (fits) break;
      letters -= event.letters;
      count += 1;
    }
    // Cut in portions: moving the rest costs more than keeping a few for longer.
    if (count > 0) {
      events.splice(0, count);
      dropped += count;
    }
  }

  const history: History = {
    keep: (connection) => void connections.set(connection.pid, connection),
    async take(pid) {
      const lost = connections.get(pid);
      connections.delete(pid);
      return lost;
    },
    async after(offset) {
      trim();
      const [from, number] = offset.split('-');
      const place = Number(number) - dropped;
      // Right before the oldest that is kept is as good as being it.
      if (from !== life || !Number.isInteger(place) || place < -1 || place >= events.length) return undefined;
      return events.slice(place + 1);
    },
  };
  return {
    history,
    /** Remembers an event. @returns its offset */
    note(rooms: string[], said: unknown[]): string {
      const offset = `${life}-${dropped + events.length}`;
      const size = lettersIn(said);
      events.push({ offset, rooms, said, at: performance.now(), letters: size });
      letters += size;
      if (events.length > limits.events * 1.1 || letters > limits.letters) trim();
      return offset;
    },
    size: () => ({ events: events.length, letters, connections: connections.size }),
  };
}
