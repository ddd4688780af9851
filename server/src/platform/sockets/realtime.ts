import type { Server as HttpServer } from 'node:http';
import { Server } from 'socket.io';
import type { Socket } from 'socket.io';
import { Adapter } from 'socket.io-adapter';
import { MAX_SOCKET_BYTES } from '@parley/contract';
import type { ServerEventName, ServerEventPayload, ServerToClient } from '@parley/contract';
import type { Logger } from '../telemetry/log.ts';
import { createClusterAdapter } from './realtime-cluster.ts';
import { createMemoryHistory } from './recovery-memory.ts';
import { createRecovery, RECOVERABLE_MS } from './recovery.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { RedisNamespace } from '../cluster/redis.ts';
import { watchSlowSockets } from './slow-sockets.ts';

/** Rooms are made here and nowhere else, so that no client can name one. */
export const rooms = {
  /** every signed-in user of the workspace */
  workspace: (workspaceId: string) => `workspace:${workspaceId}`,
  /** users looking at the conversation */
  conversation: (conversationId: string) => `conversation:${conversationId}`,
  /** the visitor of the conversation */
  visitor: (conversationId: string) => `visitor:${conversationId}`,
  user: (workspaceId: string, userId: string) => `user:${workspaceId}:${userId}`,
  /** every visitor of the workspace; nothing is told there, they are counted */
  visitorsOf: (workspaceId: string) => `visitors-of:${workspaceId}`,
  /** one login: cut when it is revoked */
  session: (sessionId: string) => `session:${sessionId}`,
};

/** Emits to connected clients. At most once: what must not be lost stands in a table with a sequence number. */
export type Live = {
  emit<K extends ServerEventName>(room: string | string[], event: K, payload: ServerEventPayload<K>): void;
};

export type RealtimeSocket = Socket<Record<string, never>, ServerToClient>;

/**
 * The raw socket server, before anybody may connect. `attach` binds it to the HTTP server. With `redis` it is one with
 * those of the other processes: `live` and `cut` reach every socket, also from a process that attaches nothing.
 */
export function createRealtime(parts: {
  log: Logger;
  redis?: RedisNamespace | undefined;
  metrics?: Pick<Metrics, 'socketsCut'>;
  /** false where nothing will be attached (default true) */
  listens?: boolean;
}) {
  const { log, redis, metrics, listens = true } = parts;
  const cluster = redis ? createClusterAdapter({ redis, log, listens }) : undefined;
  const memory = cluster ? undefined : createMemoryHistory();
  const io = new Server<Record<string, never>, ServerToClient>({
    path: '/socket.io',
    // Widgets are embedded anywhere; who may connect is decided by the inbox's allow-list in the handshake.
    adapter: cluster?.adapter ?? Adapter,
    // A connection that comes back is authenticated like a new one; only then recovery.ts replays what it missed.
    connectionStateRecovery: { maxDisconnectionDuration: RECOVERABLE_MS, skipMiddlewares: false },
    cors: { origin: true },
    serveClient: false,
    maxHttpBufferSize: MAX_SOCKET_BYTES,
    pingInterval: 25_000,
    pingTimeout: 20_000,
  });

  const slow = watchSlowSockets(io, (waiting) => {
    metrics?.socketsCut.inc();
    log.info({ waiting }, 'a socket was cut: its client does not read');
  });
  let isAttached = false;
  const waiting: (() => void)[] = [];

  function say<K extends ServerEventName>(room: string | string[], event: K, payload: ServerEventPayload<K>): void {
    // Other processes name an event by its place in their stream.
    const offset = memory?.note([room].flat(), [event, payload]);
    const said = offset === undefined ? [payload] : [payload, offset];
    io.to(room).emit(event, ...(said as Parameters<ServerToClient[K]>));
  }

  function sayWaiting(): void {
    for (const one of waiting.splice(0)) {
      try {
        one();
      } catch (error) {
        log.error({ err: error }, 'an event was not said');
      }
    }
  }

  const live: Live = {
    emit(room, event, payload) {
      // What one step of the event loop has to say goes out together: a crowd is written to once, not once for each.
      if (waiting.push(() => say(room, event, payload)) === 1) setImmediate(sayWaiting);
    },
  };

  const recovery = createRecovery(io, cluster?.history ?? memory?.history ?? createMemoryHistory().history);

  return {
    io,
    live,
    recovery,
    attach(server: HttpServer) {
      io.attach(server);
      slow.start();
      isAttached = true;
    },
    /** Ends every socket of a room at once, in all processes, e.g. of a revoked login. */
    cut(room: string) {
      sayWaiting();
      io.in(room).disconnectSockets(true);
    },
    /** Ends the sockets of this process, whose clients come back elsewhere. It can still emit. */
    disconnect() {
      sayWaiting();
      if (isAttached) io.engine.close();
    },
    async close() {
      log.debug('closing sockets');
      sayWaiting();
      slow.close();
      // The library cannot close what was never opened: a worker's, or that of a start that was called off.
      if (isAttached) await io.close();
      else await io.of('/').adapter.close();
      cluster?.close();
    },
  };
}
export type Realtime = ReturnType<typeof createRealtime>;
