/** The two front ends: what they are built from, how, and whether the build is still the right one. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { filesBelow, fingerprint, readStamp } from './files.mjs';
import { oneAtATime, StillBusy } from './one-at-a-time.mjs';
import { inRoot, node24 } from './paths.mjs';
import { run, seconds } from './run.mjs';

/**
 * @typedef {{ name: string, folder: string, output: string, command: string[], watch: string[] }} Front
 * `command` and `watch` are arguments for Node 24, run inside `folder`.
 */

/** @returns {Front[]} */
export function fronts() {
  const vite = inRoot('node_modules/vite/bin/vite.js');
  return ['dashboard', 'widget'].map((name) => {
    const own = existsSync(inRoot(name, 'build.mjs'));
    return {
      name,
      folder: inRoot(name),
      output: `${name}/dist`,
      command: own ? ['build.mjs'] : [vite, 'build', '--logLevel', 'warn'],
      watch: own ? ['build.mjs', '--watch'] : [vite, 'build', '--watch', '--logLevel', 'warn'],
    };
  });
}

/** @param {Front} front */
function sources(front) {
  const own = filesBelow(front.name, (file) => !/\.(test|spec)\.ts$/.test(file));
  const shared = ['packages/contract/src', 'package-lock.json', 'tsconfig.base.json'].flatMap((start) =>
    filesBelow(start),
  );
  return [...own, ...shared];
}

/** @param {Front} front */
const isBuilt = (front) => readStamp(`${front.output}/.stamp`) === fingerprint(sources(front));

/**
 * Builds what is stale, one after the other (each uses all cores by itself).
 * @returns {Promise<boolean>} false when a build failed; its output is shown
 */
export async function buildFronts() {
  if (fronts().every(isBuilt)) return true;
  try {
    return await oneAtATime(async () => {
      for (const front of fronts()) if (!isBuilt(front) && !(await build(front))) return false;
      return true;
    });
  } catch (error) {
    if (!(error instanceof StillBusy)) throw error;
    console.error(error.message);
    return false;
  }
}

/** @param {Front} front */
async function build(front) {
  const stamp = fingerprint(sources(front));
  process.stdout.write(`Building the ${front.name}… `);
  const { code, output, milliseconds } = await run(node24(), front.command, { cwd: front.folder });
  console.log(code === 0 ? seconds(milliseconds) : 'failed');
  if (code !== 0) {
    console.error(output);
    return false;
  }
  const folder = inRoot(front.output);
  mkdirSync(folder, { recursive: true });
  await compress(folder);
  writeFileSync(inRoot(front.output, '.stamp'), `${stamp}\n`);
  return true;
}

/**
 * For who rebuilds on change: the smaller forms would be those of an older build. The next start makes all anew.
 * @param {Front} front
 */
export async function forgetForms(front) {
  const folder = inRoot(front.output);
  await deleteForms(folder);
  await rm(path.join(folder, '.stamp'), { force: true });
}

const COMPRESSIBLE = /\.(?:js|css|html|svg|json|webmanifest)$/;
/** Less than a packet or two is sent as it is. */
const WORTH_BYTES = 1_024;
const FORMS = {
  br: (/** @type {Buffer} */ bytes) =>
    promisify(brotliCompress)(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
  gz: (/** @type {Buffer} */ bytes) => promisify(gzip)(bytes, { level: 9 }),
};

/**
 * Writes beside each file its smaller forms (`.br`, `.gz`), from which the server picks by what a browser takes. Forms of files that
 * are no longer there are deleted.
 * @param {string} folder
 */
export async function compress(folder) {
  await deleteForms(folder);
  const wanted = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => COMPRESSIBLE.test(name));
  await Promise.all(
    wanted.map(async (name) => {
      const file = path.join(folder, name);
      const bytes = await readFile(file);
      if (bytes.length < WORTH_BYTES) return;
      for (const [ending, make] of Object.entries(FORMS)) {
        const made = await make(bytes);
        if (made.length < bytes.length) await writeFile(`${file}.${ending}`, made);
      }
    }),
  );
}

/** @param {string} folder */
async function deleteForms(folder) {
  const forms = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:br|gz)$/.test(name));
  await Promise.all(forms.map((name) => rm(path.join(folder, name), { force: true })));
}
