/** `npm start`: set up what is missing, build what is stale, then become the server. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ensure } from './ensure.mjs';
import { buildFronts } from './lib/fronts.mjs';
import { childEnvironment, inRoot, node24, root } from './lib/paths.mjs';

await ensure({ tools: false });
if (!(await buildFronts())) process.exit(1);

// Node would say that there is none, which worries people who need none.
const settings = existsSync(inRoot('.env')) ? ['--env-file=.env'] : [];
const args = [...settings, inRoot('server/src/main.ts'), ...process.argv.slice(2)];
// The C library keeps freed memory of every thread for later; these have it give pages back (measured: a tenth less).
const environment = childEnvironment({ MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' });
process.chdir(root);

if (typeof process.execve === 'function' && process.platform !== 'win32') {
  // Same process id, same signals, same exit code: nothing stands between the caller and the server.
  process.execve(node24(), [node24(), ...args], environment);
}

// Only the very first run gets here (a system Node 20 cannot replace itself by another program).
const server = spawn(node24(), args, { stdio: 'inherit', env: environment });
// A terminal sends Ctrl-C to the whole group, so the server has it already; without a terminal it is passed on.
process.on('SIGINT', () => process.stdin.isTTY || server.kill('SIGINT'));
process.on('SIGTERM', () => server.kill('SIGTERM'));
server.on('exit', (code, signal) => {
  if (!signal) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
