import type { Redis } from 'ioredis';
import type { PoolClient } from 'pg';
import type { Database } from '../data/index.ts';
import { openRedis } from './redis.ts';
import type { Link, LinkEvents } from './notifier.ts';

/** Publish and subscribe, on two connections: one that listens can do nothing else. */
export function redisLink(url: string): Link {
  let speaker: Redis | undefined;
  let listener: Redis | undefined;
  let listening = false;

  return {
    start(channels, events) {
      const lost = (error: unknown): void => events.down(error);
      // Nothing is kept for a connection that is not there: the notifier keeps it, and bounds it.
      speaker = openRedis(url, lost, { enableOfflineQueue: false, commandTimeout: 5_000, maxRetriesPerRequest: 0 });
      listener = openRedis(url, lost, { autoResubscribe: false, maxRetriesPerRequest: null });
      const ready = (): void => {
        if (listening && speaker?.status === 'ready') events.up();
      };
      speaker.on('ready', ready);
      speaker.on('close', () => lost(new Error('the connection to Redis is lost')));
      listener.on('close', () => {
        listening = false;
        lost(new Error('the connection to Redis is lost'));
      });
      listener.on('ready', () => {
        listener?.subscribe(...channels).then(() => {
          listening = true;
          ready();
        }, lost);
      });
      listener.on('message', (_channel: string, text: string) => events.message(text));
    },
    async send(channel, text) {
      if (!speaker) throw new Error('the link is not started');
      return speaker.publish(channel, text);
    },
    reset() {
      speaker?.disconnect(true);
      listener?.disconnect(true);
    },
    async close() {
      speaker?.disconnect();
      listener?.disconnect();
    },
  };
}

const RECONNECT_MS = 500;

/** LISTEN and NOTIFY on one connection. A pooler in front of PostgreSQL must keep sessions for it. */
export function postgresLink(database: Database): Link {
  const pool = database.openPool({ max: 1, searchPath: 'public', name: 'parley wakes' });
  let client: PoolClient | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let begin = (): void => undefined;
  let sending: Promise<void> = Promise.resolve();

  function drop(gone: PoolClient, error: Error): void {
    if (client !== gone) return;
    client = undefined;
    gone.release(error);
  }

  async function connect(channels: string[], events: LinkEvents): Promise<void> {
    const fresh = await pool.connect();
    if (closed) {
      fresh.release(new Error('closing'));
      return;
    }
    const lost = (error: Error): void => {
      if (client !== fresh) return;
      drop(fresh, error);
      events.down(error);
      again();
    };
    client = fresh;
    fresh.on('error', lost);
    fresh.on('end', () => lost(new Error('the connection to PostgreSQL is lost')));
    fresh.on('notification', ({ payload }) => events.message(payload ?? ''));
    try {
      for (const channel of channels) await fresh.query(`listen "${channel}"`);
    } catch (error) {
      drop(fresh, error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
    if (client === fresh) events.up();
  }

  function again(): void {
    if (closed) return;
    clearTimeout(timer);
    timer = setTimeout(begin, RECONNECT_MS);
  }

  return {
    start(channels, events) {
      begin = () => {
        connect(channels, events).catch((error: unknown) => {
          if (closed) return;
          events.down(error);
          again();
        });
      };
      begin();
    },
    async send(channel, text) {
      // One statement at a time is all a connection takes.
      const turn = sending.then(async () => {
        if (!client) throw new Error('there is no connection to PostgreSQL');
        await client.query('select pg_notify($1, $2)', [channel, text]);
      });
      // The failure of one is for its sender, below, and not for the next one.
      sending = turn.catch(() => undefined);
      await turn;
      return undefined;
    },
    reset() {
      if (client) drop(client, new Error('the connection is dead'));
      again();
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      const last = client;
      client = undefined;
      last?.release(new Error('closing'));
      await pool.end();
    },
  };
}
