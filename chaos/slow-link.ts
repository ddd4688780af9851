import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export type SlowLink = { url: string; close(): Promise<void> };

/** A telephone line to a server: so many bytes a second pass towards the client, and everything comes late. */
export async function startSlowLink(target: () => string, bytesPerSecond: number, delayMs: number): Promise<SlowLink> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const { hostname, port } = new URL(target());
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) open.add(socket);
    near.on('data', (bytes) => setTimeout(() => far.write(bytes), delayMs));
    far.on('data', (bytes) => {
      far.pause();
      setTimeout(
        () => {
          near.write(bytes);
          far.resume();
        },
        delayMs + (bytes.length * 1_000) / bytesPerSecond,
      );
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
