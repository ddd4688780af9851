import { createAdapter } from '@socket.io/redis-streams-adapter';
import type { Redis } from 'ioredis';
import type { Logger } from '../telemetry/log.ts';
import { createRedisHistory } from './recovery-redis.ts';
import { openRedis } from '../cluster/redis.ts';
import type { RedisNamespace } from '../cluster/redis.ts';

/** The events other processes may still be behind by; older ones are read from the tables. */
const KEPT_EVENTS = 20_000;

/**
 * What makes the sockets of all processes one: emits and cuts travel in a Redis stream, which a reader that was away
 * for a moment reads on from where it was. A process without sockets can emit like any other.
 *
 * The adapter leaves some of its promises to nobody; their failures are taken care of here, since each of them would
 * end the process.
 */
export function createClusterAdapter(parts: {
  redis: RedisNamespace;
  log: Logger;
  /** false for a process without sockets: it emits, and need not read what all the others say */
  listens: boolean;
}) {
  const { redis, log, listens } = parts;
  const connections: Redis[] = [];
  let complained = false;

  function open(options: Parameters<typeof openRedis>[2]): Redis {
    const failed = (error: unknown): void => {
      if (complained) return;
      complained = true;
      // The outage itself is told by the watch of Redis.
      log.debug({ err: error }, 'sockets of other processes cannot be reached');
    };
    const connection = openRedis(redis.url, failed, options);
    connection.on('ready', () => {
      complained = false;
    });
    // Nobody waits for these two in the adapter.
    Object.defineProperty(connection, 'publish', {
      value: (channel: string, payload: Buffer) => connection.call('publish', channel, payload).catch(failed),
    });
    Object.defineProperty(connection, 'subscribe', {
      value: (channels: string[]) => connection.call('subscribe', ...channels).catch(failed),
    });
    // What only listens waits for Redis as long as it takes.
    Object.defineProperty(connection, 'duplicate', {
      value: () => (listens ? open({ maxRetriesPerRequest: null }) : deaf()),
    });
    connections.push(connection);
    return connection;
  }

  /** Never connected: the adapter waits for its first event for ever, and is not counted among those who are asked. */
  function deaf(): Redis {
    const connection = openRedis(redis.url, () => undefined, { lazyConnect: true });
    Object.defineProperty(connection, 'xread', { value: () => new Promise(() => undefined) });
    Object.defineProperty(connection, 'subscribe', { value: async () => undefined });
    return connection;
  }

  // An emit waits some seconds for Redis to come back, then only those connected here hear it: memory is bounded.
  const name = `${redis.prefix}:sockets`;
  // What one step of the process emits travels together.
  const speaker = open({ maxRetriesPerRequest: 12, enableAutoPipelining: true });
  const adapter = createAdapter(speaker, {
    streamName: name,
    channelPrefix: name,
    maxLen: KEPT_EVENTS,
    onlyPlaintext: true,
  });
  return {
    adapter,
    history: createRedisHistory({ redis: speaker, stream: name, log }),
    close(): void {
      for (const connection of connections) connection.disconnect();
    },
  };
}
