import type { Pool } from 'pg';
import type { Keyring } from '../platform/security/crypto.ts';
import type { Database } from '../platform/data/index.ts';
import { unavailable } from '../platform/errors.ts';
import type { Placement } from '../platform/data/placing.ts';

export type PlacedPools = {
  /** Runs `work` with the connections of the placement. @throws 503 when no connection gets free in time */
  use<T>(placement: Placement, work: (pool: Pool) => Promise<T>): Promise<T>;
  /** Gives up its connections, which may be dead without knowing it: the next use makes new ones. */
  drop(placement: Placement): void;
};

/**
 * Connections of one placement, and placements with connections, at most. Whoever has more databases than pools pays with
 * connecting again at every look of the sweeper, so there are many; those that rest hold one connection or none.
 */
const CONNECTIONS = 4;
const POOLS = 32;
const WAIT_MS = 10_000;
const IDLE_MS = 30_000;
const SILENT_MS = 65_000;

type Held = { pool: Pool; users: number };

/**
 * The connections of the workspaces that live elsewhere, a few for each and bounded over all: the placement used longest
 * ago gives its connections up for another one. Pools are closed with the database.
 *
 * @param keyring opens the addresses of databases of workspaces' own
 */
export function createPlacedPools(database: Database, keyring: Keyring): PlacedPools {
  // In the order of their last use.
  const held = new Map<string, Held>();
  const waiting = new Set<() => void>();

  const keyOf = (placement: Placement): string => `${placement.kind} ${placement.schema} ${placement.address ?? ''}`;

  async function hold(placement: Placement): Promise<Held> {
    const key = keyOf(placement);
    const addressOf = (): string | undefined =>
      placement.address === null ? undefined : keyring.decrypt(placement.address, placement.workspaceId);
    if (placement.address !== null && !held.has(key)) await database.allowLogin(addressOf() ?? '');
    const until = performance.now() + WAIT_MS;
    for (;;) {
      const found = held.get(key);
      if (found) {
        found.users += 1;
        held.delete(key);
        held.set(key, found);
        return found;
      }
      if (held.size < POOLS || giveUpOne()) {
        const pool = database.openPool({
          max: CONNECTIONS,
          searchPath: placement.schema === 'public' ? 'public' : `${placement.schema},public`,
          name: 'parley placed',
          idleMs: IDLE_MS,
          silentMs: SILENT_MS,
          address: addressOf(),
        });
        const made = { pool, users: 1 };
        held.set(key, made);
        return made;
      }
      if (performance.now() > until) throw unavailable('All database connections are in use.', 1);
      await freed(until - performance.now());
    }
  }

  function giveUpOne(): boolean {
    for (const [key, { pool, users }] of held) {
      if (users > 0) continue;
      held.delete(key);
      void pool.end();
      return true;
    }
    return false;
  }

  function freed(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, Math.max(0, milliseconds));
      function done(): void {
        clearTimeout(timer);
        waiting.delete(done);
        resolve();
      }
      waiting.add(done);
    });
  }

  return {
    drop(placement) {
      const one = held.get(keyOf(placement));
      if (!one) return;
      held.delete(keyOf(placement));
      void one.pool.end();
    },
    async use(placement, work) {
      const one = await hold(placement);
      try {
        return await work(one.pool);
      } finally {
        one.users -= 1;
        if (one.users === 0) for (const done of [...waiting]) done();
      }
    },
  };
}
