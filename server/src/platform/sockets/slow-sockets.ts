import type { IncomingMessage } from 'node:http';
import type { Server } from 'socket.io';

export type SlowSocketLimits = {
  /** what may wait for one client, at any moment, in bytes */
  most: number;
  /** what may wait for longer than `patienceMs` for a client that takes next to nothing, in bytes */
  stuck: number;
  patienceMs: number;
  /** less than this in `patienceMs` is next to nothing, in bytes */
  trickle: number;
  /** between two looks */
  everyMs: number;
};

export const slowSocketLimits: SlowSocketLimits = {
  most: 8_000_000,
  stuck: 1_000_000,
  patienceMs: 10_000,
  trickle: 64_000,
  everyMs: 1_000,
};

/** What of the library's connections is used here. */
type EngineSocket = {
  request: IncomingMessage;
  close(discard: boolean): void;
  once(event: 'close', listener: () => void): unknown;
};
type Watched = { since: number; sent: number };

const sizeOf = (packet: unknown): number => {
  const data: unknown = typeof packet === 'object' && packet !== null ? Reflect.get(packet, 'data') : undefined;
  return typeof data === 'string' || Buffer.isBuffer(data) ? data.length : 0;
};

/** What waits for a client: in the library, and in the connection for the kernel to take. */
export function waitingFor(socket: EngineSocket): number {
  // Empty for whoever keeps up, so that looking at thousands costs next to nothing.
  const buffer: unknown = Reflect.get(socket, 'writeBuffer');
  const queued = Array.isArray(buffer) ? buffer.reduce((sum: number, packet) => sum + sizeOf(packet), 0) : 0;
  return queued + socket.request.socket.writableLength;
}

/**
 * Cuts the sockets of clients that do not read what they are sent: it would pile up here. Nothing is lost with the
 * connection: the client comes back, sees by the numbers of the messages what it missed, and asks for it.
 *
 * @param cut told of each, with what waited for it in bytes
 */
export function watchSlowSockets(
  io: Server,
  cut: (waiting: number) => void,
  limits: SlowSocketLimits = slowSocketLimits,
): { look(): void; start(): void; close(): void } {
  const open = new Set<EngineSocket>();
  const watched = new WeakMap<EngineSocket, Watched>();
  let timer: NodeJS.Timeout | undefined;

  function isTooSlow(socket: EngineSocket, waiting: number, now: number): boolean {
    if (waiting > limits.most) return true;
    if (waiting <= limits.stuck) {
      watched.delete(socket);
      return false;
    }
    const { bytesWritten, writableLength } = socket.request.socket;
    const sent = bytesWritten - writableLength;
    const before = watched.get(socket);
    if (!before || sent - before.sent >= limits.trickle) {
      watched.set(socket, { since: now, sent });
      return false;
    }
    return now - before.since >= limits.patienceMs;
  }

  function look(): void {
    const now = performance.now();
    for (const socket of open) {
      const waiting = waitingFor(socket);
      if (!isTooSlow(socket, waiting, now)) continue;
      // Not a farewell: it would stand in line behind everything else. Clients come back after a lost connection.
      socket.close(true);
      socket.request.socket.destroy();
      cut(waiting);
    }
  }

  return {
    look,
    /** Once the server is attached. */
    start: () => {
      io.engine.on('connection', (socket: EngineSocket) => {
        open.add(socket);
        socket.once('close', () => open.delete(socket));
      });
      timer ??= setInterval(look, limits.everyMs).unref();
    },
    close: () => clearInterval(timer),
  };
}
