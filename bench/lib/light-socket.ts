/** A client of the Socket.IO protocol with as little of a client as there can be. */
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';

export type LightSocket = {
  send(event: string, payload: unknown): void;
  /** Resolves with the acknowledgement's data. @throws when it is no success */
  call(event: string, payload: unknown): Promise<unknown>;
  close(): void;
};

export type SocketOptions = {
  url: string;
  auth: Record<string, unknown>;
  localAddress: string;
  heard?: (event: string) => void;
  /** the connection ended, however it did; not called for one that never came about */
  lost?: () => void;
};

/** What the server answered: it is there, and said no. `code` is the envelope's. */
export class Refused extends Error {
  readonly code: string;
  constructor(error: { code?: string; message?: string } | undefined) {
    super(error?.message ?? 'refused');
    this.code = error?.code ?? '';
  }
}

type Envelope = { success: boolean; data?: unknown; error?: { code: string; message: string } };

/** @throws Refused, or the error of the connection */
export function openSocket({ url, auth, localAddress, heard, lost }: SocketOptions): Promise<LightSocket> {
  const address = `${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket`;
  const ws = new WebSocket(address, { localAddress, perMessageDeflate: false, skipUTF8Validation: true });
  const acknowledgements = new Map<number, { resolve: (data: unknown) => void; reject: (error: Error) => void }>();
  let calls = 0;

  function acknowledged(text: string): void {
    const at = text.indexOf('[');
    const id = Number(text.slice(2, at));
    const [answer] = JSON.parse(text.slice(at)) as [Envelope];
    const caller = acknowledgements.get(id);
    acknowledgements.delete(id);
    if (answer.success) caller?.resolve(answer.data);
    else caller?.reject(new Refused(answer.error));
  }

  const socket: LightSocket = {
    send: (event, payload) => ws.send(`42${JSON.stringify([event, payload])}`),
    call: (event, payload) =>
      new Promise((resolve, reject) => {
        const id = ++calls;
        acknowledgements.set(id, { resolve, reject });
        ws.send(`42${id}${JSON.stringify([event, payload])}`);
      }),
    close: () => ws.terminate(),
  };

  return new Promise((resolve, reject) => {
    let connected = false;
    ws.on('message', (bytes: Buffer) => {
      // The first two characters tell what it is; most frames are events and are only counted.
      const [kind, packet] = [bytes[0], bytes[1]];
      if (kind === 0x32) return ws.send('3');
      if (kind === 0x30) return ws.send(`40${JSON.stringify(auth)}`);
      if (kind !== 0x34) return;
      if (packet === 0x32) return heard?.(bytes.toString('utf8', 4, bytes.indexOf(0x22, 4)));
      const text = bytes.toString('utf8');
      if (packet === 0x33) return acknowledged(text);
      if (packet === 0x30) {
        connected = true;
        return resolve(socket);
      }
      if (packet === 0x34) {
        ws.terminate();
        return reject(new Refused((JSON.parse(text.slice(2)) as { data?: { code: string; message: string } }).data));
      }
    });
    ws.on('error', reject);
    ws.on('close', () => {
      const error = new Error('the connection ended');
      for (const caller of acknowledgements.values()) caller.reject(error);
      acknowledgements.clear();
      if (connected) lost?.();
      else reject(error);
    });
  });
}

/** Again and again while a server under pressure asks for some patience. @throws after 30 seconds, or for any other reason */
export async function patiently<T>(ask: () => Promise<T> | T): Promise<T> {
  const until = performance.now() + 30_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'unavailable' || performance.now() > until) throw error;
      await pause(250);
    }
  }
}
