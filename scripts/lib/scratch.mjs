/** A folder for what a run writes and nobody keeps: in memory where there is plenty of it, since each test copies a database. */
import { accessSync, constants, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import path from 'node:path';

const IN_MEMORY = '/dev/shm';
/** Far more than the databases of one moment; and as much again for the tests themselves. */
const ROOM = 3 * 2 ** 30;

/**
 * Where the folder is made.
 * @param {{ folder?: string, room?: number, memory?: number, named?: string | undefined }} [options] `room` bytes are wanted;
 *   `memory` is free; `named`: the folder somebody chose
 */
export function scratchRoot(options = {}) {
  const { folder = IN_MEMORY, room = ROOM, memory = freemem() } = options;
  const { named } = 'named' in options ? options : { named: process.env.TMPDIR };
  if (named) return tmpdir();
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= room && memory >= 2 * room ? folder : tmpdir();
  } catch {
    // There is none on this system.
    return tmpdir();
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of somebody else refuses, and lives.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Removes what runs left there that were killed.
 * @param {string} below
 */
export function removeLeftovers(below) {
  for (const name of readdirSync(below)) {
    const pid = /^parley-run-(\d+)-/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) rmSync(path.join(below, name), { recursive: true, force: true });
  }
}

/** Makes the folder; it is gone when this process is. */
export function makeScratch() {
  const below = scratchRoot();
  removeLeftovers(below);
  const folder = mkdtempSync(path.join(below, `parley-run-${process.pid}-`));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
  return folder;
}
