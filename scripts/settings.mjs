/**
 * `npm run settings`: writes `.env.example` and the table in docs/operations.md from the declarations of the server.
 * With `--check` it writes nothing, and fails when they are not up to date.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensure } from './ensure.mjs';
import { childEnvironment, inRoot, node24, root } from './lib/paths.mjs';
import { envExample, table, withTable } from './lib/settings-text.mjs';

const EXAMPLE = '.env.example';
const GUIDE = 'docs/operations.md';

/**
 * The files as they should be.
 * @returns {Promise<{ file: string, text: string }[]>}
 */
export async function described() {
  const from = (/** @type {string} */ file) => import(pathToFileURL(inRoot(file)).href);
  const { allSettings } = await from('server/src/settings.ts');
  const { groups } = await from('server/src/platform/config/define.ts');
  const { format, resolveConfig } = await import('prettier');
  const guide = withTable(readFileSync(inRoot(GUIDE), 'utf8'), table(allSettings, groups));
  const options = await resolveConfig(inRoot(GUIDE));
  return [
    { file: EXAMPLE, text: envExample(allSettings, groups) },
    { file: GUIDE, text: await format(guide, { ...options, parser: 'markdown' }) },
  ];
}

/** @param {{ file: string, text: string }[]} wanted @param {(file: string) => string} read */
export const outdated = (wanted, read) =>
  wanted.filter(({ file, text }) => read(file) !== text).map(({ file }) => file);

if (process.argv[1] && path.resolve(process.argv[1]) === inRoot('scripts/settings.mjs')) {
  await ensure();
  if (process.features.typescript) {
    const wanted = await described();
    const old = outdated(wanted, (file) => readFileSync(inRoot(file), 'utf8'));
    if (process.argv.includes('--check')) {
      for (const file of old) console.log(`${file} is not what the settings are declared to be: npm run settings`);
      process.exitCode = old.length > 0 ? 1 : 0;
    } else {
      for (const { file, text } of wanted) if (old.includes(file)) writeFileSync(inRoot(file), text);
      console.log(old.length > 0 ? `written: ${old.join(', ')}` : 'nothing has changed');
    }
  } else {
    // The server is TypeScript, which the Node that came with the system may not run.
    const args = [inRoot('scripts/settings.mjs'), ...process.argv.slice(2)];
    const { status } = spawnSync(node24(), args, { cwd: root, stdio: 'inherit', env: childEnvironment() });
    process.exitCode = status ?? 1;
  }
}
