/** Where things are. Nothing here needs an installed package: it runs on a system Node 20 in a fresh clone. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** @param {string[]} parts */
export const inRoot = (...parts) => path.join(root, ...parts);

/** The Node 24 that comes with the dependencies: the one everything but these scripts runs on. */
export function node24() {
  const [unix, windows] = [inRoot('node_modules/node/bin/node'), inRoot('node_modules/node/bin/node.exe')];
  return !existsSync(unix) && existsSync(windows) ? windows : unix;
}

/** The environment of a child: the bundled tools and Node 24 come first in PATH. */
export function childEnvironment(extra = {}) {
  const bin = [path.dirname(node24()), inRoot('node_modules/.bin')].join(path.delimiter);
  // Without it: a test runner that a test starts must not take itself for a child of the runner around it.
  const { NODE_TEST_CONTEXT: _context, ...own } = process.env;
  return { ...own, PATH: `${bin}${path.delimiter}${own.PATH ?? ''}`, ...extra };
}
