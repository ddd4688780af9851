import { createHash } from 'node:crypto';
import { renameSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';

/** Another live process keeps its data in this folder. The message is one line for the operator. */
export class FolderInUseError extends Error {
  constructor(folder: string) {
    super(`DATA_DIR ${folder} is in use by another running Parley; stop that one first or choose another folder`);
    this.name = 'FolderInUseError';
  }
}

/**
 * Makes this process the only one that uses `folder`, until `release()` or the end of the process.
 *
 * The lock is a listening socket, because the system closes it however the process ends: a file with a process id
 * survives kill -9 and may name a stranger later. A socket file nobody listens on is stale and is replaced.
 *
 * @throws FolderInUseError when a live process holds it
 */
export async function lockFolder(folder: string): Promise<{ release(): Promise<void> }> {
  const path = lockPath(realpathSync(folder));
  const token = randomUUID();
  let server = await listen(path, token);
  if (!server) {
    if ((await ask(path)) !== null) throw new FolderInUseError(folder);
    // Renaming is atomic: of several that found the stale file, one takes it away.
    const aside = `${path}.${token.slice(0, 8)}`;
    try {
      renameSync(path, aside);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    const moved = await ask(aside);
    if (moved !== null) {
      // Somebody made it live between the question and the rename: give it back.
      renameSync(aside, path);
      throw new FolderInUseError(folder);
    }
    rmSync(aside, { force: true });
    server = await listen(path, token);
  }
  const held = server;
  // Proof: whoever connects to the path now reaches this process and no other.
  if (!held || (await ask(path)) !== token) {
    held?.close();
    throw new FolderInUseError(folder);
  }
  held.unref();
  return { release: () => new Promise((resolve) => held.close(() => resolve())) };
}

/** Socket paths have a hard limit of about 100 bytes; a deeper folder gets a name in the system's temporary folder. */
function lockPath(folder: string): string {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 20);
  if (process.platform === 'win32') return `\\\\.\\pipe\\parley-${name}`;
  const path = join(folder, 'in-use.sock');
  return Buffer.byteLength(path) < 90 ? path : join(tmpdir(), `parley-${name}.sock`);
}

function listen(path: string, token: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(token);
    });
    server.once('error', (error) => ('code' in error && error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen(path, () => resolve(server));
  });
}

/** The token of the process listening at `path`, '' when it listens without answering in time, null when nobody does. */
function ask(path: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let answer = '';
    let connected = false;
    const socket = connect(path);
    socket.setTimeout(3000, () => {
      socket.destroy();
      resolve(connected ? answer : '');
    });
    socket.once('connect', () => (connected = true));
    socket.on('data', (bytes) => (answer += bytes.toString('utf8')));
    socket.once('end', () => resolve(answer));
    socket.once('error', (error) => {
      if (connected) resolve(answer);
      else if ('code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT')) resolve(null);
      else reject(error);
    });
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
