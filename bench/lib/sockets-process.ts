/**
 * Many Socket.IO clients in one process, lean enough not to be what is measured: the protocol by hand on `ws`. They come
 * from many addresses of the loopback, since a real crowd does, and since ports and the connections of an address end.
 */
import { now, serve } from './child.ts';
import { openSocket, patiently } from './light-socket.ts';
import type { LightSocket } from './light-socket.ts';
import { loopbackAddress } from './loopback.ts';

const AT_ONCE = 50;

type Group = { sockets: LightSocket[]; lost: number; wanted: number; counted: number; done: (at: number) => void };
const groups = new Map<string, Group>();

function groupOf(name: string): Group {
  const found = groups.get(name);
  if (!found) throw new Error(`there is no group ${name}`);
  return found;
}

const functions = {
  /** `count` sockets, some of them connecting at a time; each then sends `greeting`, and its acknowledgement must be a success. */
  async connect(order: {
    group: string;
    url: string;
    count: number;
    firstAddress: number;
    auth: Record<string, unknown>;
    event: string;
    greeting?: [event: string, payload: unknown];
  }): Promise<void> {
    const group: Group = { sockets: [], lost: 0, wanted: 0, counted: 0, done: () => undefined };
    groups.set(order.group, group);
    const heard = (event: string): void => {
      if (event !== order.event) return;
      group.counted += 1;
      if (group.counted === group.wanted) group.done(now());
    };
    let next = 0;
    const one = async (): Promise<void> => {
      for (let index = next++; index < order.count; index = next++) {
        const socket = await patiently(() =>
          openSocket({
            url: order.url,
            auth: order.auth,
            localAddress: loopbackAddress(order.firstAddress + index),
            heard,
            lost: () => (group.lost += 1),
          }),
        );
        group.sockets.push(socket);
        const { greeting } = order;
        if (greeting) await patiently(() => socket.call(...greeting));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  },

  /** Resolves with the moment at which all of the group together have heard `each` events a socket. */
  async hear({ group: name, each }: { group: string; each: number }): Promise<number> {
    const group = groupOf(name);
    group.counted = 0;
    group.wanted = group.sockets.length * each;
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () =>
          reject(
            new Error(`${name}: ${group.counted} of ${group.wanted} events came; ${group.lost} connections were lost`),
          ),
        30_000,
      );
      group.done = (at) => {
        clearTimeout(late);
        resolve(at);
      };
    });
  },

  /** The first socket of the group says it `times` in a row; the moment of the first. */
  async say(order: { group: string; event: string; payload: unknown; times: number }): Promise<number> {
    const [socket] = groupOf(order.group).sockets;
    const at = now();
    for (let time = 0; time < order.times; time++) socket?.send(order.event, order.payload);
    return at;
  },

  /** The same once, until it is acknowledged: a server under pressure asks for some patience. @throws after 30 seconds */
  async ask({ group, event, payload }: { group: string; event: string; payload: unknown }): Promise<void> {
    await patiently(() => groupOf(group).sockets[0]?.call(event, payload));
  },
};

export type Sockets = typeof functions;
serve(functions);
