/**
 * Setting a checkout up is for one process at a time: two installs at once break each other. The lock is a listening socket,
 * which the system closes however its process ends; whoever waits hears the end at once.
 */
import { createHash, randomUUID } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { root } from './paths.mjs';

/** An install on a slow line takes minutes. */
const PATIENCE_MS = 15 * 60_000;

/** Another process still sets this checkout up. The message is one line for who started this one. */
export class StillBusy extends Error {}

/** @param {string} folder */
function lockOf(folder) {
  const name = `parley-setup-${createHash('sha256').update(folder).digest('hex').slice(0, 20)}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : path.join(tmpdir(), `${name}.sock`);
}

/** @param {unknown} error @param {string[]} codes */
const has = (error, ...codes) => error instanceof Error && 'code' in error && codes.includes(String(error.code));

/**
 * @param {string} lock
 * @returns {Promise<(() => void) | null>} what lets go of it; null: somebody listens, or a dead one did
 */
const listen = (lock) =>
  new Promise((resolve, reject) => {
    /** @type {Set<import('node:net').Socket>} */
    const waiting = new Set();
    const server = createServer((socket) => {
      waiting.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => waiting.delete(socket));
      socket.unref();
      socket.write(`${process.pid}`);
    });
    server.once('error', (error) => (has(error, 'EADDRINUSE') ? resolve(null) : reject(error)));
    const release = () => {
      server.close();
      for (const socket of waiting) socket.destroy();
    };
    server.unref().listen(lock, () => resolve(release));
  });

/**
 * Waits while somebody holds the lock.
 * @param {string} lock @param {number} forMs @param {(pid: string) => void} heard
 * @returns {Promise<'ended' | 'nobody' | 'late'>}
 */
const waitFor = (lock, forMs, heard) =>
  new Promise((resolve, reject) => {
    const socket = connect(lock);
    const late = setTimeout(() => {
      resolve('late');
      socket.destroy();
    }, forMs);
    const end = (/** @type {'ended' | 'nobody'} */ how) => {
      clearTimeout(late);
      resolve(how);
    };
    socket.on('data', (bytes) => heard(bytes.toString('utf8')));
    socket.on('close', () => end('ended'));
    socket.on('error', (error) => {
      if (has(error, 'ECONNREFUSED', 'ENOENT')) end('nobody');
      else if (has(error, 'ECONNRESET', 'EPIPE')) end('ended');
      else {
        clearTimeout(late);
        reject(error);
      }
    });
  });

/**
 * Takes a dead process's lock away. Of several that found it one does, and one that was made live meanwhile is given back.
 * @param {string} lock
 */
async function clear(lock) {
  const aside = `${lock}.${randomUUID().slice(0, 8)}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (has(error, 'ENOENT')) return;
    throw error;
  }
  if ((await waitFor(aside, 1_000, () => undefined)) === 'nobody') rmSync(aside, { force: true });
  else renameSync(aside, lock);
}

/**
 * Runs `work` while no other process does for this folder.
 * @template T
 * @param {() => Promise<T>} work
 * @param {{ folder?: string, patienceMs?: number, say?: (line: string) => void }} [options]
 * @returns {Promise<T>}
 * @throws {StillBusy} when the other one takes longer than `patienceMs`
 */
export async function oneAtATime(work, { folder = root, patienceMs = PATIENCE_MS, say = console.log } = {}) {
  const lock = lockOf(folder);
  const until = Date.now() + patienceMs;
  let told = false;
  for (;;) {
    const release = await listen(lock);
    if (release) {
      try {
        return await work();
      } finally {
        release();
      }
    }
    let holder = '';
    const how = await waitFor(lock, Math.max(0, until - Date.now()), (pid) => {
      holder = pid;
      if (!told) say(`Another process (${pid}) is setting this checkout up; waiting for it…`);
      told = true;
    });
    if (how === 'late')
      throw new StillBusy(
        `Process ${holder || 'unknown'} has been setting ${folder} up for ${Math.round(patienceMs / 60_000)} minutes. End it and start again.`,
      );
    if (how === 'nobody') await clear(lock);
    // A pipe that is being closed refuses for a moment.
    await pause(20);
  }
}
