/** SIGUSR2 stops this process's event loop for CHAOS_BLOCK_MS milliseconds, as a runaway regular expression would. */
import { isMainThread } from 'node:worker_threads';

const milliseconds = Number(process.env.CHAOS_BLOCK_MS ?? 45_000);
if (isMainThread) {
  process.on('SIGUSR2', () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
  });
}
