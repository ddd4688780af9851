/** The two front ends: what they are built from, how, and whether the build is still the right one. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { filesBelow, fingerprint, readStamp } from './files.mjs';
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

/**
 * Builds what is stale, one after the other (each uses all cores by itself).
 * @returns {Promise<boolean>} false when a build failed; its output is shown
 */
export async function buildFronts() {
  for (const front of fronts()) {
    const stamp = fingerprint(sources(front));
    if (readStamp(`${front.output}/.stamp`) === stamp) continue;
    process.stdout.write(`Building the ${front.name}… `);
    const { code, output, milliseconds } = await run(node24(), front.command, { cwd: front.folder });
    console.log(code === 0 ? seconds(milliseconds) : 'failed');
    if (code !== 0) {
      console.error(output);
      return false;
    }
    mkdirSync(inRoot(front.output), { recursive: true });
    writeFileSync(inRoot(front.output, '.stamp'), `${stamp}\n`);
  }
  return true;
}
