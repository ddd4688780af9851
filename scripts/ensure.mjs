/**
 * Installs the dependencies when they are missing or belong to another package.json or lock file.
 * Plain ESM on built-in modules: it has to run on a system Node 20 before anything is installed.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow, fingerprint, readStamp } from './lib/files.mjs';
import { oneAtATime, StillBusy } from './lib/one-at-a-time.mjs';
import { inRoot, node24 } from './lib/paths.mjs';
import { run, seconds, tail } from './lib/run.mjs';

const stampFile = 'node_modules/.parley-stamp';

/** Which packages are wanted: every package.json and the lock file, by content. */
function wanted() {
  const manifests = ['', 'packages/contract', 'server', 'dashboard', 'widget'].map((folder) =>
    path.posix.join(folder, 'package.json'),
  );
  return fingerprint([...manifests, 'package-lock.json'].flatMap((file) => filesBelow(file)));
}

/** npm as the caller has it: inside an npm script the very same npm, otherwise the one in PATH. */
function npm() {
  const script = process.env.npm_execpath;
  return script && /npm-cli\.c?js$/.test(script) && existsSync(script)
    ? { command: process.execPath, before: [script] }
    : { command: process.platform === 'win32' ? 'npm.cmd' : 'npm', before: [] };
}

/**
 * Makes sure the dependencies are there. Ends the process with a reason when that fails.
 * @param {{ tools?: boolean }} [options] `tools: false`: what only tests and checks need may be missing (default true)
 */
export async function ensure({ tools = true } = {}) {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) {
    console.error(
      `Parley needs Node 20 or newer to set itself up; this is ${process.version}. Get one from https://nodejs.org`,
    );
    process.exit(1);
  }
  if (isInstalled(tools)) return;
  try {
    // Whoever waited finds the other's work done.
    await oneAtATime(async () => (isInstalled(tools) ? undefined : install(tools)));
  } catch (error) {
    if (!(error instanceof StillBusy)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

/** @param {boolean} tools */
function isInstalled(tools) {
  const [stamp, scope] = readStamp(stampFile)?.split('\n') ?? [];
  return stamp === wanted() && (scope === 'all' || !tools) && existsSync(node24());
}

/** @param {boolean} tools */
async function install(tools) {
  console.log(`${existsSync(inRoot('node_modules')) ? 'Updating' : 'Installing'} dependencies (about a minute)…`);
  const { command, before } = npm();
  // Not `npm ci`: it refuses lock files that name optional binaries of other platforms the registry lacks.
  // `--no-save` leaves the committed lock file as it is; said either way, because NODE_ENV has a say otherwise.
  const scope = tools ? '--include=dev' : '--omit=dev';
  const args = [...before, 'install', '--no-audit', '--no-fund', '--no-save', scope, '--loglevel=error'];
  const { code, output, milliseconds } = await run(command, args);
  if (code !== 0 || !existsSync(node24())) {
    console.error(tail(output, 20));
    console.error(
      [
        '',
        `npm install did not work (exit code ${code}). What to do:`,
        '  - no network or a proxy: set npm_config_registry or npm_config_proxy, then run the same command again',
        '  - a half-finished install: delete node_modules and run the same command again',
        '  - disk full or no rights: it needs about 1 GB in this folder, owned by you',
        existsSync(node24())
          ? ''
          : '  - install scripts are switched off (ignore-scripts): the bundled Node 24 needs its own, allow it',
      ].join('\n'),
    );
    process.exit(1);
  }
  mkdirSync(inRoot('node_modules'), { recursive: true });
  writeFileSync(inRoot(stampFile), `${wanted()}\n${tools ? 'all' : 'product'}\n`);
  console.log(`Dependencies are in place (${seconds(milliseconds)}).`);
}

if (process.argv[1] && path.resolve(process.argv[1]) === inRoot('scripts/ensure.mjs')) await ensure();
