import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A cable to a server that can be cut. */
export type Proxy = {
  /** the address given, through the cable */
  url: string;
  /** Ends what is connected and lets nobody in. */
  cut(): void;
  /** Nothing passes any more through what is connected now, and nobody is told. New connections work. */
  freeze(): void;
  /** The same, and new connections are taken and hear nothing either. */
  silence(): void;
  mend(): void;
  /** how many were not let in so far */
  refused(): number;
  close(): Promise<void>;
};

/** @param target address of any TCP protocol, with a port */
export async function startProxy(target: string): Promise<Proxy> {
  const address = new URL(target);
  const open = new Set<Socket>();
  const frozen = new Set<Socket>();
  const state = { cut: false, silent: false, refused: 0 };
  const server = createServer((near) => {
    if (state.cut) {
      state.refused += 1;
      near.destroy();
      return;
    }
    if (state.silent) {
      open.add(near);
      near.on('error', () => near.destroy());
      near.on('close', () => open.delete(near));
      frozen.add(near);
      near.resume();
      return;
    }
    const far = connect(Number(address.port), address.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes) => {
        if (!frozen.has(from)) to.write(bytes);
      });
      // An end of either side, for whatever reason, is the end of both.
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        frozen.delete(from);
        to.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const freeze = (): void => {
    for (const socket of open) frozen.add(socket);
  };
  const end = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: url.href,
    cut() {
      state.cut = true;
      end();
    },
    freeze,
    silence() {
      state.silent = true;
      freeze();
    },
    mend() {
      for (const socket of frozen) socket.destroy();
      state.cut = false;
      state.silent = false;
    },
    refused: () => state.refused,
    async close() {
      end();
      server.close();
      await once(server, 'close');
    },
  };
}
