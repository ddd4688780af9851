import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { Worker } from 'node:worker_threads';
import type { Logger } from '../telemetry/log.ts';
import { lockFolder } from '../data/lock.ts';
import { portStream } from './port-stream.ts';

/** Compiled WebAssembly, of which the libraries of our types know nothing. */
export type Program = object;
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<Program> };

export type WorkerSettings = { folder: string; idleTransactionMs: number; program: Program };
export type ToWorker =
  { type: 'open' | 'close'; id: number } | { type: 'data'; id: number; bytes: Uint8Array } | { type: 'stop' };
export type FromWorker =
  { type: 'ready' | 'stopped' } | { type: 'close'; id: number } | { type: 'data'; id: number; bytes: Uint8Array };

export type Embedded = {
  /** A new connection, for the `stream` option of `pg`. */
  connect(): Duplex;
  /** Shuts the database down cleanly and frees the folder. */
  close(): Promise<void>;
};

const IDLE_TRANSACTION_MS = 30_000;

let compiled: Promise<Program> | undefined;
/**
 * The program of the database, compiled once for all threads of the process: machine code made for one of them serves the
 * next. It is kept, because V8 sometimes aborts where it frees such code (github.com/nodejs/node/issues/64500).
 */
function program(): Promise<Program> {
  const file = new URL('./pglite.wasm', import.meta.resolve('@electric-sql/pglite'));
  compiled ??= readFile(file).then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}

/**
 * Starts the embedded database of `dataDir` in a thread of its own.
 *
 * `pg` talks to it through in-process streams rather than a socket file: as fast, nothing to clean up after a kill,
 * and nobody else on the machine can connect.
 *
 * When the thread dies on its own, that is logged and thrown as an uncaught error: the process cannot serve without
 * its database, a supervisor should start it anew.
 *
 * @throws FolderInUseError when another live process has the folder
 */
export async function startEmbedded(dataDir: string, log: Logger): Promise<Embedded> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(dataDir);
  const folder = join(dataDir, 'database');
  let settings: WorkerSettings;
  try {
    settings = { folder, idleTransactionMs: IDLE_TRANSACTION_MS, program: await program() };
    if (!existsSync(folder)) await createDatabase(settings);
  } catch (error) {
    await lock.release();
    throw error;
  }
  const worker = new Worker(new URL('./embedded-worker.ts', import.meta.url), {
    workerData: settings,
    name: 'database',
    // Flags meant for the main program (a debugger, a string to run) are not for the database.
    execArgv: [],
  });
  const streams = new Map<number, Duplex>();
  let nextId = 1;
  let stopping = false;
  const failed = once(worker, 'exit').then(() => Promise.reject(new Error('the embedded database did not start')));
  const ready = new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', reject);
    failed.catch(reject);
  });
  try {
    await ready;
  } catch (error) {
    await worker.terminate();
    await lock.release();
    throw error;
  }
  let cause: unknown = 'it ended';
  worker.on('error', (error) => (cause = error));
  worker.on('exit', () => {
    if (stopping) return;
    const error = new Error('the embedded database stopped; the process cannot go on without it', { cause });
    log.fatal({ err: error }, error.message);
    for (const stream of streams.values()) stream.destroy(error);
    // Outside of any promise, so nobody can catch it.
    setImmediate(() => {
      throw error;
    });
  });
  const send = (message: ToWorker) => worker.postMessage(message);
  worker.on('message', (message: FromWorker) => {
    if (message.type === 'data')
      streams
        .get(message.id)
        ?.push(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength));
    if (message.type === 'close') streams.get(message.id)?.push(null);
  });
  return {
    connect() {
      const id = nextId++;
      const stream = portStream({
        open: () => send({ type: 'open', id }),
        // A copy of its own: posting a view would post the whole buffer pool it lies in.
        write: (bytes) => send({ type: 'data', id, bytes: new Uint8Array(bytes) }),
        close: () => {
          if (streams.delete(id) && !stopping) send({ type: 'close', id });
        },
      });
      streams.set(id, stream);
      return stream;
    },
    async close() {
      stopping = true;
      const exited = once(worker, 'exit');
      send({ type: 'stop' });
      await exited;
      for (const stream of streams.values()) stream.destroy();
      await lock.release();
    },
  };
}

async function createDatabase(settings: WorkerSettings): Promise<void> {
  const worker = new Worker(new URL('./create-worker.ts', import.meta.url), {
    workerData: settings,
    name: 'database creation',
    execArgv: [],
  });
  await once(worker, 'exit');
  if (!existsSync(settings.folder)) throw new Error('the embedded database could not be created');
}
