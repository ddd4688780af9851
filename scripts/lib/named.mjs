/** Runs one TypeScript file chosen by name, with the rest of the arguments passed on. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ensure } from '../ensure.mjs';
import { filesBelow } from './files.mjs';
import { childEnvironment, inRoot, node24, root } from './paths.mjs';

/** @param {{ folder: string, ending: string, argument: string, nodeArguments?: string[] }} options */
export async function runNamed({ folder, ending, argument, nodeArguments = [] }) {
  await ensure();
  const [name, ...rest] = process.argv.slice(2);
  const names = filesBelow(folder, (file) => file.endsWith(ending) && path.posix.dirname(file) === folder).map((file) =>
    path.basename(file, ending),
  );
  if (!name || !names.includes(name)) {
    console.error(`Name ${argument}: ${names.join(', ') || `there is none in ${folder}/ yet`}`);
    process.exit(2);
  }
  const args = [...nodeArguments, inRoot(folder, `${name}${ending}`), ...rest];
  const { status } = spawnSync(node24(), args, { cwd: root, stdio: 'inherit', env: childEnvironment() });
  process.exit(status ?? 1);
}
