/** `npm run dev`: the server restarts on change, both front ends rebuild on change. Ctrl-C ends all three. */
import { spawn } from 'node:child_process';
import { ensure } from './ensure.mjs';
import { buildFronts, forgetForms, fronts } from './lib/fronts.mjs';
import { childEnvironment, inRoot, node24, root } from './lib/paths.mjs';

await ensure();
if (!(await buildFronts())) process.exit(1);
for (const front of fronts()) await forgetForms(front);

const server = ['--watch', '--watch-preserve-output', '--env-file-if-exists=.env', inRoot('server/src/main.ts')];
const children = [
  spawn(node24(), server, {
    cwd: root,
    stdio: 'inherit',
    env: childEnvironment({ LOG_LEVEL: process.env.LOG_LEVEL ?? 'debug' }),
  }),
  ...fronts().map((front) =>
    spawn(node24(), front.watch, {
      cwd: front.folder,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: childEnvironment(),
    }),
  ),
];

let stopping = false;
/** @param {NodeJS.Signals} signal */
function stop(signal) {
  if (stopping) return;
  stopping = true;
  for (const child of children) child.kill(signal);
}
process.on('SIGINT', () => stop('SIGINT'));
process.on('SIGTERM', () => stop('SIGTERM'));
for (const child of children) {
  child.on('exit', (code) => {
    if (!stopping && code) process.exitCode = code;
    stop('SIGTERM');
  });
}
