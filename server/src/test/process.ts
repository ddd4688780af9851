import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** Parley as people start it: a process of its own, that can be killed. */
export type ParleyProcess = {
  url: string;
  /** milliseconds from the start to `ready` */
  readyAfterMs: number;
  pid: number;
  /** Resolves when the process is gone; null: by the signal. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
};

/** @throws with what the process said when it ends before it is ready */
export async function startParley(env: Record<string, string>, args: string[] = []): Promise<ParleyProcess> {
  const started = performance.now();
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: {
      PATH: process.env.PATH ?? '',
      LOG_LEVEL: process.env.LOG_LEVEL ?? 'fatal',
      // Where compiled code is kept, so that it starts sooner.
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = await ready(child);
  return {
    url,
    readyAfterMs: performance.now() - started,
    pid: child.pid ?? 0,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
      return child.exitCode;
    },
  };
}

function ready(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const read = (piece: Buffer): void => {
      said += piece.toString('utf8');
      const found = /ready (http:\/\/\S+)/.exec(said)?.[1];
      if (found) resolve(found);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`ended with ${code ?? signal} before it was ready:\n${said}`)),
    );
  });
}

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
