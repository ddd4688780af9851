import type { Acknowledgement, AgentToServer, ServerToClient } from '@parley/contract';
import { io, type Socket } from 'socket.io-client';
import { ref } from 'vue';
import { currentAccessToken, refreshAccess } from './session.ts';

export type AgentSocket = Socket<ServerToClient, AgentToServer>;
export type Connection = 'connecting' | 'connected' | 'lost';

/** Whether live updates arrive. Screens stay usable over REST while it is lost. */
export const connection = ref<Connection>('connecting');

/** Why the server did not let the socket in, in the envelope's words; null for a failure of the line. */
function refusal(error: Error & { data?: unknown }): string | null {
  const { data } = error;
  return typeof data === 'object' && data !== null && 'code' in data && typeof data.code === 'string'
    ? data.code
    : null;
}

/** Opens the live connection. Whoever's sign-in ended learns it by the renewal. A refused token is renewed once per attempt; waiting between attempts is Socket.IO's. */
export function openSocket(): AgentSocket {
  const socket: AgentSocket = io({
    path: '/socket.io',
    transports: ['websocket', 'polling'],
    reconnectionDelay: 500,
    reconnectionDelayMax: 10_000,
    auth: (give) => {
      const token = currentAccessToken();
      if (token) give({ token });
      else
        void refreshAccess().then(
          (renewed) => give({ token: renewed }),
          () => give({ token: null }),
        );
    },
  });
  let refusals = 0;
  socket.on('connect', () => {
    refusals = 0;
    connection.value = 'connected';
  });
  socket.on('disconnect', (reason) => {
    connection.value = 'lost';
    // The server closes sockets whose sign-in ended; ask again with a fresh token instead of staying deaf.
    if (reason === 'io server disconnect') void renew(socket, 1_000);
  });
  socket.on('connect_error', (error) => {
    connection.value = 'lost';
    const code = refusal(error);
    if (code === 'unauthorized') void renew(socket, (refusals += 1) > 1 ? 5_000 : 1_000);
    // A refusal by the server, unlike a failure of the line, is not tried again by Socket.IO.
    else if (code) setTimeout(() => socket.connect(), 5000);
  });
  return socket;
}

async function renew(socket: AgentSocket, waitMs: number): Promise<void> {
  // Not reached, as opposed to refused: the token at hand may still do.
  const token = await refreshAccess().catch(() => currentAccessToken());
  if (token) setTimeout(() => socket.connect(), waitMs);
}

/** Emits and waits for the acknowledgement; a refused or unanswered event resolves to null, since REST stays the truth. */
export async function tell<
  K extends 'conversation:subscribe' | 'conversation:unsubscribe' | 'agent:typing' | 'agent:join',
>(socket: AgentSocket | null, event: K, payload: Parameters<AgentToServer[K]>[0]): Promise<Acknowledgement | null> {
  if (!socket?.connected) return null;
  const emit = socket.timeout(5000).emitWithAck.bind(socket.timeout(5000)) as (
    name: K,
    body: unknown,
  ) => Promise<Acknowledgement>;
  return emit(event, payload).catch(() => null);
}
