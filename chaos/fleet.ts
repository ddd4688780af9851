import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'pg';
import type { QueryResultRow } from 'pg';
import { OWNER } from '../server/src/test/app.ts';
import { createDatabase, SECRETS } from '../server/src/test/servers.ts';

const MAIN = fileURLToPath(new URL('../server/src/main.ts', import.meta.url));
const preload = (name: string): string[] => ['--import', new URL(`./preload/${name}.ts`, import.meta.url).href];
const START_WITHIN_MS = 60_000;

/** One process of the fleet, with the same address and the same settings at every start. */
export type Member = {
  name: string;
  role: 'api' | 'worker';
  url: string;
  /** answers, as far as its starter knows */
  isUp(): boolean;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** SIGTERM. Resolves to the exit code. */
  stop(): Promise<number | null>;
  /** SIGSTOP; it does not know that time passes */
  pause(): void;
  goOn(): void;
  /** its event loop stands still for a while (preload/block.ts) */
  block(): void;
};
export type Ending = { name: string; asked: boolean; code: number | null; signal: string | null; said: string };
export type Fleet = Awaited<ReturnType<typeof startFleet>>;

/** A database of its own, and real processes with one role each. */
export async function startFleet(parts: {
  databaseUrl: string;
  folder: string;
  apis: number;
  workers: number;
  /** settings of one process */
  settingsOf: (name: string) => Record<string, string>;
}) {
  const database = await createDatabase(parts.databaseUrl, 'chaos');
  const pool = new Pool({ connectionString: database.url, max: 4, connectionTimeoutMillis: 5_000 });
  pool.on('error', () => undefined);
  const endings: Ending[] = [];
  const pids = new Set<number>();
  mkdirSync(path.join(parts.folder, 'data'), { recursive: true });

  async function member(role: 'api' | 'worker', number: number): Promise<Member> {
    const memberName = `${role} ${number}`;
    const file = (kind: string): string => path.join(parts.folder, `${role}-${number}.${kind}`);
    const port = await freePort();
    const state: { child: ChildProcess | undefined; asked: boolean; up: boolean } = {
      child: undefined,
      asked: false,
      up: false,
    };

    async function start(): Promise<void> {
      const log = openSync(file('log'), 'a');
      const own = ['block', 'clock', 'observe', 'broken'].flatMap(preload);
      const child = spawn(process.execPath, [...own, MAIN], {
        env: {
          PATH: process.env.PATH ?? '',
          LOG_LEVEL: 'warn',
          DATA_DIR: path.join(parts.folder, 'data'),
          PORT: String(port),
          PARLEY_ROLES: role,
          PARLEY_DEMO: '0',
          PARLEY_OWNER_EMAIL: OWNER.email,
          PARLEY_OWNER_PASSWORD: OWNER.password,
          DATABASE_URL: database.url,
          ...SECRETS,
          CHAOS_NOTES: file('notes'),
          ...parts.settingsOf(memberName),
        },
        stdio: ['ignore', 'pipe', log],
      });
      closeSync(log);
      if (child.pid !== undefined) pids.add(child.pid);
      Object.assign(state, { child, asked: false, up: false });
      let said = '';
      child.once('exit', (code, signal) => {
        state.up = false;
        if (child.pid !== undefined) pids.delete(child.pid);
        const lines = existsSync(file('log')) ? readFileSync(file('log'), 'utf8').trim().split('\n') : [];
        endings.push({ name: memberName, asked: state.asked, code, signal, said: lines.at(-1)?.slice(0, 600) ?? '' });
      });
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      child.stdout?.on('data', (piece: Buffer) => {
        appendFileSync(file('log'), piece);
        if (state.up) return;
        said += piece.toString('utf8');
        if (/ready http/.test(said)) resolve();
      });
      child.once('exit', (code, signal) => reject(new Error(`${memberName} ended with ${code ?? signal}: ${said}`)));
      const late = setTimeout(() => reject(new Error(`${memberName} was not ready in time: ${said}`)), START_WITHIN_MS);
      await promise.finally(() => clearTimeout(late));
      state.up = true;
    }

    async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
      const { child } = state;
      if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
      const gone = once(child, 'exit');
      state.asked = true;
      state.up = false;
      child.kill(signal);
      await gone;
      return child.exitCode;
    }

    return {
      name: memberName,
      role,
      url: `http://127.0.0.1:${port}`,
      isUp: () => state.up,
      start,
      kill: async () => void (await end('SIGKILL')),
      stop: () => end('SIGTERM'),
      pause: () => void state.child?.kill('SIGSTOP'),
      goOn: () => void state.child?.kill('SIGCONT'),
      block: () => void state.child?.kill('SIGUSR2'),
    };
  }

  // Whatever ends this process, its fleet does not outlive it.
  process.once('exit', () => {
    for (const pid of pids) tryToKill(pid);
  });
  const many = (role: 'api' | 'worker', count: number): Promise<Member[]> =>
    Promise.all(Array.from({ length: count }, (_unused, index) => member(role, index + 1)));
  const apis = await many('api', parts.apis);
  const workers = await many('worker', parts.workers);
  const all = [...apis, ...workers];

  async function close(): Promise<void> {
    await Promise.all(all.map((one) => one.kill()));
    await pool.end();
    await database.drop();
  }

  const started = await Promise.allSettled(all.map((one) => one.start()));
  const failure = started.find((result) => result.status === 'rejected');
  if (failure) {
    await close();
    throw failure.reason;
  }

  return {
    apis,
    workers,
    all,
    endings,
    query: async <Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> =>
      (await pool.query<Row>(text, values)).rows,
    /** lines of preload/observe.ts, of all processes together */
    notes: (): string[] =>
      all.flatMap((one) => {
        const file = path.join(parts.folder, `${one.name.replace(' ', '-')}.notes`);
        return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
      }),
    close,
  };
}

/** What a front in front of several apis does: every call gives the next one that is up, or just the next one. */
export function createFront(apis: Member[]): () => Member {
  let turn = 0;
  return () => {
    turn += 1;
    const up = apis.filter((api) => api.isUp());
    const list = up.length > 0 ? up : apis;
    const api = list[turn % list.length];
    if (!api) throw new Error('there is no api');
    return api;
  };
}

function tryToKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended a moment ago.
  }
}

/** Below the range the system gives to connections of its own, so that a restarted process finds it free. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
