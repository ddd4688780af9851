/** Walking and fingerprinting files. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { inRoot, root } from './paths.mjs';

/** Made by tools, never written by hand: by name anywhere, or by path from the root. */
const skipped = new Set(['node_modules', 'dist', '.git', 'coverage']);
const skippedPaths = new Set(['data', 'e2e/out']);

/**
 * Every file below `start` (a path relative to the root; a file stands for itself; absent gives none).
 * @param {string} start
 * @param {(file: string) => boolean} [keep] called with the path relative to the root, always with `/`
 * @returns {string[]} sorted
 */
export function filesBelow(start, keep = () => true) {
  const absolute = inRoot(start);
  if (!existsSync(absolute)) return [];
  if (statSync(absolute).isFile()) return keep(start) ? [start] : [];
  /** @type {string[]} */
  const found = [];
  for (const entry of readdirSync(absolute, { withFileTypes: true })) {
    const relative = path.posix.join(start, entry.name);
    if (skipped.has(entry.name) || skippedPaths.has(relative)) continue;
    if (entry.isDirectory()) found.push(...filesBelow(relative, keep));
    else if (entry.isFile() && keep(relative)) found.push(relative);
  }
  return found.sort();
}

/**
 * One hash over names and bytes.
 * @param {string[]} files relative to the root
 */
export function fingerprint(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    hash.update(`${file}\0`);
    hash.update(readFileSync(path.join(root, file)));
    hash.update('\0');
  }
  return hash.digest('hex');
}

/** @param {string} file relative to the root */
export function readStamp(file) {
  return existsSync(inRoot(file)) ? readFileSync(inRoot(file), 'utf8').trim() : null;
}
