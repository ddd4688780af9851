import type { Server } from 'socket.io';
import type { Adapter } from 'socket.io-adapter';
import { newToken } from '../data/ids.ts';

/** How long a connection may be away and still come back as what it was. */
export const RECOVERABLE_MS = 120_000;

/** A connection that was lost: its identity, as authentication wrote it, and the rooms it was in. */
export type LostConnection = { pid: string; sid: string; identity: string; rooms: string[] };

/** An event as it was emitted. `offset` is its position among all events. */
export type KeptEvent = { offset: string; rooms: string[]; said: unknown[] };

/** What is kept of lost connections and of the events they miss, both for a while and bounded. */
export type History = {
  keep(connection: LostConnection): void;
  /** Each can be taken once. */
  take(pid: string): Promise<LostConnection | undefined>;
  /** Events after `offset`, oldest first; undefined when that is not known any more, or too much. */
  after(offset: string): Promise<KeptEvent[] | undefined>;
};

/** A lost connection that asks to go on. Nothing of it counts before authentication has passed. */
export type Claim = { identity: string; rooms: string[]; offset: string; missed: KeptEvent[] };

type Recoverable = {
  id: string;
  data: unknown;
  recovered: boolean;
  emit(event: string, ...said: unknown[]): unknown;
};
type Session = Parameters<Adapter['persistSession']>[0];

const PID = /^[\w-]{16,64}$/;
const OFFSET = /^[\w-]{3,64}$/;
const ROOMS_AT_MOST = 100;

/**
 * Lets lost connections go on where they were, the safe way round. The library restores rooms and sends what was missed
 * before anybody has looked at who comes back; here it gets a connection without either, and what was kept is handed out
 * by `claim` and `replay`, to be called after the door's own check.
 */
export function createRecovery(io: Server, history: History) {
  const claims = new WeakMap<object, LostConnection & { offset: string }>();
  const { adapter } = io.of('/');

  adapter.persistSession = ({ pid, sid, rooms, data }: Session): void => {
    const identity: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, 'identity') : undefined;
    if (typeof identity !== 'string') return;
    const others = [...rooms].map(String).filter((room) => room !== sid);
    history.keep({ pid, sid, identity, rooms: others.slice(0, ROOMS_AT_MOST) });
  };
  adapter.restoreSession = async (pid: string, offset: string) => {
    const lost = PID.test(pid) && OFFSET.test(offset) ? await history.take(pid) : undefined;
    // Rejecting is how the library is told that there is nothing.
    if (!lost) throw new Error('nothing is kept of this connection');
    const data = {};
    claims.set(data, { ...lost, offset });
    return { sid: lost.sid, pid: lost.pid, rooms: [], data, missedPackets: [] };
  };

  return {
    /** What the connection claims to be, with what it missed so far; undefined for a new one, or when that is not known. */
    async claim(socket: Recoverable): Promise<Claim | undefined> {
      const lost = socket.recovered ? claims.get(Object(socket.data)) : undefined;
      if (!lost) return undefined;
      const missed = await history.after(lost.offset);
      return missed && { identity: lost.identity, rooms: lost.rooms, offset: lost.offset, missed };
    },
    /** It is a new connection, and the client is told so: it asks for what it missed. */
    refuse(socket: Recoverable): void {
      if (!socket.recovered) return;
      Reflect.set(socket, 'recovered', false);
      Reflect.set(socket, 'pid', newToken().slice(0, 20));
    },
    /**
     * Emits what was missed in these rooms, in its order. Call it after the rooms were joined: an event emitted meanwhile may
     * come twice, but is never lost.
     */
    async replay(socket: Recoverable, claim: Claim, rooms: ReadonlySet<string>): Promise<void> {
      const last = claim.missed.at(-1)?.offset ?? claim.offset;
      const meanwhile = (await history.after(last)) ?? [];
      for (const { offset, rooms: heardBy, said } of [...claim.missed, ...meanwhile]) {
        const [event, ...rest] = said;
        if (typeof event === 'string' && heardBy.some((room) => rooms.has(room))) socket.emit(event, ...rest, offset);
      }
    },
  };
}
export type Recovery = ReturnType<typeof createRecovery>;
