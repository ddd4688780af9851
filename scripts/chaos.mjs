/**
 * `npm run chaos [-- --full [--write] | --broken=NAME | --prove]`: the fault suite, chaos/run.ts, on the servers of
 * CHAOS_SERVICES. Ends with `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { ensure } from './ensure.mjs';
import { childEnvironment, inRoot, node24, root } from './lib/paths.mjs';

await ensure();
const args = [inRoot('chaos', 'run.ts'), ...process.argv.slice(2)];
const { status } = spawnSync(node24(), args, { cwd: root, stdio: 'inherit', env: childEnvironment() });
process.exit(status ?? 1);
