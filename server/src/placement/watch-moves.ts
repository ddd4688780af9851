import type { Logger } from '../platform/telemetry/log.ts';
import { isConnectionLoss } from '../platform/telemetry/outage.ts';
import type { Mover } from './move.ts';
import type { Placements } from '../platform/data/placing.ts';

const WATCH_MS = 5_000;

/** Sets workspaces free whose mover died before this process starts, or dies while it runs: some seconds after at most. */
export function watchMoves(parts: { mover: Pick<Mover, 'freeAbandoned'>; placements: Placements; log: Logger }) {
  const { mover, placements, log } = parts;
  let looking = false;
  const later = (error: unknown): void =>
    log.warn({ err: error }, 'an abandoned move was not undone; it is tried again');
  const timer = setInterval(() => {
    if (looking || !placements.someFrozen()) return;
    looking = true;
    mover
      .freeAbandoned()
      .catch(later)
      .finally(() => (looking = false));
  }, WATCH_MS).unref();
  return {
    /** For the start, which waits for it, but not for a database of a workspace's own that is away. */
    async look(): Promise<void> {
      try {
        await mover.freeAbandoned();
      } catch (error) {
        if (!isConnectionLoss(error)) throw error;
        later(error);
      }
    },
    close: () => clearInterval(timer),
  };
}
