import type { Logger } from '../log.ts';
import type { Mover } from './move.ts';
import type { Placements } from './registry.ts';

const WATCH_MS = 5_000;

/** Sets workspaces free whose mover dies while this process runs: at most some seconds after, nothing waits for it. */
export function watchMoves(parts: { mover: Mover; placements: Placements; log: Logger }): { close(): void } {
  const { mover, placements, log } = parts;
  let looking = false;
  const timer = setInterval(() => {
    if (looking || !placements.someFrozen()) return;
    looking = true;
    mover
      .freeAbandoned()
      .catch((error: unknown) => log.warn({ err: error }, 'an abandoned move was not undone; it is tried again'))
      .finally(() => (looking = false));
  }, WATCH_MS).unref();
  return { close: () => clearInterval(timer) };
}
