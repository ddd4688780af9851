/** `npm run parley -- …`: what an operator does beside the running product (server/src/cli.ts). */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ensure } from './ensure.mjs';
import { childEnvironment, inRoot, node24, root } from './lib/paths.mjs';

await ensure({ tools: false });
const settings = existsSync(inRoot('.env')) ? ['--env-file=.env'] : [];
const args = [...settings, inRoot('server/src/cli.ts'), ...process.argv.slice(2)];
const { status } = spawnSync(node24(), args, { cwd: root, stdio: 'inherit', env: childEnvironment() });
process.exit(status ?? 1);
