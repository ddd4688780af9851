import { Manager, type Socket } from 'socket.io-client';
import type { Acknowledgement, ServerToClient, VisitorToServer } from '@parley/contract';

type Sent<K extends keyof VisitorToServer> = Parameters<VisitorToServer[K]>[0];

/** Refusals that pass: the same may be taken a moment later. `no_answer` is our own. */
export const passing = new Set(['no_answer', 'too_many_requests', 'unavailable', 'internal_error']);

/** No answer came in time, or there is no connection. */
const silent = { success: false, error: { code: 'no_answer', message: '' } } as const;

export type Connection = ReturnType<typeof createConnection>;

/**
 * One socket as one visitor. Everything the visitor says is acknowledged; `call` never throws, a missing answer comes
 * back as the code `no_answer`.
 */
export function createConnection(
  base: string,
  auth: () => { inbox: string; visitor?: string },
  on: {
    open(): void;
    lost(): void;
    /** the server does not take us; it is not asked again by itself */
    refused(code: string): void;
    events: Partial<ServerToClient>;
  },
) {
  const url = new URL(base);
  const manager = new Manager(url.origin, {
    path: `${url.pathname}socket.io`,
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    autoConnect: false,
    reconnectionDelay: 500,
    reconnectionDelayMax: 15_000,
  });
  const socket: Socket = manager.socket('/', { auth: (give: (values: object) => void) => give(auth()) });
  let wanted = false;
  const later = (): void => void setTimeout(() => wanted && socket.connect(), 2000 + Math.random() * 4000);
  socket.on('connect', on.open);
  socket.on('disconnect', (reason) => {
    on.lost();
    // The library does not come back by itself after the server closed the door.
    if (reason === 'io server disconnect') later();
  });
  socket.on('connect_error', (error: Error & { data?: { code?: unknown; error?: { code?: unknown } } }) => {
    const code = error.data?.code ?? error.data?.error?.code;
    if (socket.active) return on.lost();
    if (!passing.has(String(code))) return on.refused(String(code));
    on.lost();
    later();
  });
  for (const [name, listener] of Object.entries(on.events)) socket.on(name, listener);

  return {
    connect(): void {
      wanted = true;
      socket.connect();
    },
    /** What was asked and not answered yet comes back as `no_answer`. */
    close(): void {
      wanted = false;
      socket.disconnect();
    },
    online: (): boolean => socket.connected,
    call<K extends keyof VisitorToServer>(name: K, payload: Sent<K>): Promise<Acknowledgement> {
      if (!socket.connected) return Promise.resolve(silent);
      return new Promise((resolve) => {
        socket.timeout(12_000).emit(name, payload, (error: Error | null, answer: Acknowledgement | undefined) => {
          resolve(error || !answer ? silent : answer);
        });
      });
    },
    /** Lost when there is no connection: nobody misses it. */
    whisper<K extends keyof VisitorToServer>(name: K, payload: Sent<K>): void {
      if (socket.connected) socket.volatile.emit(name, payload, () => undefined);
    },
  };
}
