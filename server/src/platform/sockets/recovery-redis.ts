import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Logger } from '../telemetry/log.ts';
import { RECOVERABLE_MS } from './recovery.ts';
import type { History, KeptEvent } from './recovery.ts';

/** More than this is not replayed to one client: asking for what it missed costs less. Of all workspaces together. */
const READ_AT_MOST = 1_000;
/** When many come back at once, those beyond this ask for what they missed. */
const READERS_AT_MOST = 32;
/** The adapter's number for what is said to rooms. */
const BROADCAST = '3';

const Lost = z.object({ pid: z.string(), sid: z.string(), identity: z.string(), rooms: z.array(z.string()) });
const Said = z.object({
  packet: z.object({ data: z.array(z.unknown()) }),
  opts: z.object({ rooms: z.array(z.string()), except: z.array(z.string()).default([]) }),
});

function fieldOf(fields: string[], name: string): string | undefined {
  const at = fields.findIndex((field, index) => index % 2 === 0 && field === name);
  return at === -1 ? undefined : fields[at + 1];
}

function readEntry([offset, fields]: [string, string[]]): KeptEvent[] {
  const data = fieldOf(fields, 'data');
  if (fieldOf(fields, 'type') !== BROADCAST || fieldOf(fields, 'nsp') !== '/' || data === undefined) return [];
  const parsed = Said.safeParse(JSON.parse(data));
  return parsed.success ? [{ offset, rooms: parsed.data.opts.rooms, said: parsed.data.packet.data }] : [];
}

/** The history of all processes together: events in the adapter's stream, lost connections beside it. */
export function createRedisHistory(parts: { redis: Redis; stream: string; log: Logger }): History {
  const { redis, stream, log } = parts;
  const keyOf = (pid: string): string => `${stream}:lost:${pid}`;
  const failed = (error: unknown): undefined => {
    log.debug({ err: error }, 'a lost connection is not recovered');
  };
  let readers = 0;

  return {
    keep(connection) {
      redis.set(keyOf(connection.pid), JSON.stringify(connection), 'PX', RECOVERABLE_MS).catch(failed);
    },
    async take(pid) {
      try {
        const text = await redis.getdel(keyOf(pid));
        return text === null ? undefined : Lost.parse(JSON.parse(text));
      } catch (error) {
        return failed(error);
      }
    },
    async after(offset) {
      if (!/^\d{1,16}-\d{1,16}$/.test(offset) || readers >= READERS_AT_MOST) return undefined;
      readers += 1;
      try {
        const entries = await redis.xrange(stream, offset, '+', 'COUNT', READ_AT_MOST + 2);
        // The stream forgets its oldest: then nobody knows what else was said.
        if (entries[0]?.[0] !== offset || entries.length > READ_AT_MOST + 1) return undefined;
        return entries.slice(1).flatMap(readEntry);
      } catch (error) {
        return failed(error);
      } finally {
        readers -= 1;
      }
    },
  };
}
