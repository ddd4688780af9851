import { AppError } from '../platform/errors.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import { createOutage, isConnectionLoss } from '../platform/telemetry/outage.ts';
import type { Outage } from '../platform/telemetry/outage.ts';
import type { PlacedPools } from './pools.ts';
import type { Placement, Placements } from '../platform/data/placing.ts';

export type WatchedPools = Pick<PlacedPools, 'use'> & {
  /** Rejects while the database of a workspace is away, or not at this version yet, as far as this process knows. */
  probe(): Promise<void>;
  /** Refuses the workspace until it is opened again: its tables are of an older version. */
  bar(workspaceId: string): void;
  open(workspaceId: string): void;
  close(): void;
};

const RETRY_AFTER_SECONDS = 15;

/** By its code (connection failure), so that it counts as a part of the outage, which is told once. */
const notAsked = (): Error => Object.assign(new Error('it is away and was not asked'), { code: '08006' });

/** Its connections were given up between the moment somebody chose them and that of their use. */
const isDropped = (error: unknown): boolean =>
  error instanceof Error && /after calling end on the pool/.test(error.message);

const away = (cause: unknown = notAsked()): AppError =>
  new AppError('unavailable', 503, 'The database of this workspace is away at present. Try again later.', {
    retryAfter: RETRY_AFTER_SECONDS,
    cause,
  });

/**
 * The same pools, which say once when the database of a workspace's own is away, and refuse at once until it is back:
 * whoever looks at all workspaces would wait for its silence again and again.
 */
export function watchPools(parts: {
  pools: PlacedPools;
  placements: Pick<Placements, 'of'>;
  log: Logger;
  /** how often one that is away is asked for (default 1 000 ms) */
  lookEveryMs?: number | undefined;
}): WatchedPools {
  const { pools, placements, log, lookEveryMs } = parts;
  const outages = new Map<string, Outage>();
  const barred = new Set<string>();

  function outageOf({ workspaceId, address }: Placement): Outage {
    const found = outages.get(workspaceId);
    if (found) return found;
    const outage = createOutage({
      log,
      name: `the database of workspace ${workspaceId}`,
      meaning: 'nothing of this workspace is taken in or answered until it is back; the others go on',
      ...(lookEveryMs === undefined ? {} : { lookEveryMs }),
      async probe() {
        const now = placements.of(workspaceId);
        if (now?.kind === 'database' && now.address === address) {
          try {
            await pools.use(now, (pool) => pool.query('select 1'));
          } catch (error) {
            pools.drop(now);
            throw error;
          }
          return;
        }
        // It lives elsewhere now, and nobody waits for this one.
        outage.close();
        if (outages.get(workspaceId) === outage) outages.delete(workspaceId);
      },
    });
    outages.set(workspaceId, outage);
    return outage;
  }

  return {
    async use(placement, work) {
      if (placement.kind !== 'database') return pools.use(placement, work);
      const { workspaceId } = placement;
      if (barred.has(workspaceId) || outages.get(workspaceId)?.isOn()) throw away();
      try {
        return await pools.use(placement, work);
      } catch (error) {
        if (!isConnectionLoss(error) && !isDropped(error)) throw error;
        outageOf(placement).suspected();
        throw away(isDropped(error) ? notAsked() : error);
      }
    },
    async probe() {
      if (barred.size > 0 || [...outages.values()].some((outage) => outage.isOn()))
        throw new Error('a database of its own is away');
    },
    bar: (workspaceId) => void barred.add(workspaceId),
    open: (workspaceId) => void barred.delete(workspaceId),
    close() {
      for (const outage of outages.values()) outage.close();
    },
  };
}
