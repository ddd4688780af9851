import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../server/src/main.ts', import.meta.url));

export const OWNER = { name: 'Olivia Owner', email: 'olivia@acme.test', password: 'correct horse battery' };

export type Call = <T = unknown>(method: string, path: string, body?: unknown) => Promise<T>;

export type Parley = {
  /** where it serves */
  url: string;
  /** all it printed since its last start */
  screen(): string;
  /** the one-time link of the first start; throws when none was printed */
  setupLink(): string;
  /**
   * Ends the process at once, as a crash does, or asks it to stop; starts it again on the same data and port. `meanwhile`
   * has the data folder to itself.
   */
  restart(how: 'kill' | 'stop', meanwhile?: (dataDir: string) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
};

/** Below the ephemeral range, so that no outgoing connection sits on it. */
const anyPort = (): number => 10_000 + Math.floor(Math.random() * 22_000);

const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once('exit', () => resolve()));

/**
 * Parley as somebody starts it who has just cloned it: its own process, a folder of its own, nothing else set.
 * `env` adds to that; variables of the caller that would change it are left out.
 */
export async function startParley(env: Record<string, string> = {}): Promise<Parley> {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-e2e-'));
  let port = anyPort();
  let output = '';
  let child: ChildProcess;

  const boot = (): Promise<string> =>
    new Promise((resolve, reject) => {
      output = '';
      const { PATH = '', HOME = '', NODE_COMPILE_CACHE } = process.env;
      child = spawn(process.execPath, [main], {
        env: { PATH, HOME, NODE_COMPILE_CACHE, LOG_LEVEL: 'warn', DATA_DIR: dataDir, PORT: String(port), ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const timer = setTimeout(() => reject(new Error(`Parley did not get ready:\n${output}`)), 60_000);
      const read = (bytes: Buffer): void => {
        output += bytes.toString('utf8');
        const ready = /^ready (\S+)$/m.exec(output)?.[1];
        if (!ready) return;
        clearTimeout(timer);
        resolve(ready);
      };
      child.stdout?.on('data', read);
      child.stderr?.on('data', read);
      child.once('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`Parley ended with ${code}:\n${output}`));
      });
    });

  const start = async (): Promise<string> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await boot();
      } catch (error) {
        if (attempt === 5 || !output.includes('PORT takes a free port')) throw error;
        port = anyPort();
      }
    }
  };
  const url = await start();
  // Whatever becomes of the run, no Parley is left behind.
  process.once('exit', () => child.kill('SIGKILL'));

  return {
    url,
    screen: () => output,
    setupLink() {
      const link = /https?:\/\/\S+\/setup\?token=\S+/.exec(output)?.[0];
      if (!link) throw new Error(`no set-up link was printed:\n${output}`);
      return link;
    },
    async restart(how, meanwhile) {
      child.kill(how === 'kill' ? 'SIGKILL' : 'SIGTERM');
      await ended(child);
      await meanwhile?.(dataDir);
      await boot();
    },
    async stop() {
      child.kill('SIGTERM');
      await ended(child);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** REST calls as whoever `token` is; data only, an error with the server's words otherwise. */
export function createCall(url: string, token?: string): Call {
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const form = body instanceof FormData;
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined || form ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
    });
    const envelope = (await response.json()) as { success: boolean; data: T; error?: { message: string } };
    if (!envelope.success) throw new Error(`${method} ${path}: ${response.status} ${envelope.error?.message}`);
    return envelope.data;
  };
}

type Login = { accessToken: string; refreshToken: string; workspaceId: string };

export const signIn = (url: string, person: { email: string; password: string }): Promise<Login> =>
  createCall(url)<Login>('POST', '/auth/login', { email: person.email, password: person.password });

/** What the set-up screen does, for runs that are about something else. */
export async function setUpOwner(parley: Parley, workspaceName = 'Acme Outdoor'): Promise<void> {
  const token = new URL(parley.setupLink()).searchParams.get('token');
  await createCall(parley.url)('POST', '/auth/setup', { ...OWNER, workspaceName, token });
}
