/** `npm run eval -- NAME`: runs one evaluation of answer quality (server/src/ai/evals/run.ts NAME). */
import { spawnSync } from 'node:child_process';
import { ensure } from './ensure.mjs';
import { childEnvironment, inRoot, node24, root } from './lib/paths.mjs';

await ensure();
const args = [inRoot('server/src/ai/evals/run.ts'), ...process.argv.slice(2)];
const { status } = spawnSync(node24(), args, { cwd: root, stdio: 'inherit', env: childEnvironment() });
process.exit(status ?? 1);
