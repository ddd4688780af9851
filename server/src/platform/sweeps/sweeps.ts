import type { Logger } from '../telemetry/log.ts';
import { isConnectionLoss } from '../telemetry/outage.ts';
import type { Place, Store } from '../data/tenant.ts';

/**
 * Work that is due by the clock, or was lost by a dead process, and is found in a table. Its query is backed by an index and
 * looks as parley_system, which sees no word anybody wrote; the work itself is woken and runs inside its workspace.
 */
export type Sweep = {
  name: string;
  /** milliseconds between two looks, when not as often as the others */
  everyMs?: number;
  /** One look at one place where workspaces live. */
  at?(place: Place): Promise<unknown>;
  /** One look that sees to the places by itself. */
  run?(): Promise<unknown>;
};

const EVERY_MS = 2_000;

/**
 * Looks for due and lost work. Every sweep and every place is looked at by itself: one that fails, or says nothing, keeps no
 * other from its turn. A look that has not come back when the next one is due goes on, and is not begun a second time.
 */
export function createSweeper(parts: {
  store: Pick<Store, 'places'>;
  log: Logger;
  sweeps: Sweep[];
  /** between two looks (default 2 000 ms) */
  everyMs?: number | undefined;
}) {
  const { store, log, sweeps, everyMs = EVERY_MS } = parts;
  const underWay = new Map<string, Promise<void>>();
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;

  async function report(sweep: Sweep, look: () => Promise<unknown>): Promise<void> {
    try {
      await look();
    } catch (error) {
      // An outage is told once, by the watch of the server; the next look comes anyway.
      log[isConnectionLoss(error) ? 'debug' : 'error']({ err: error, sweep: sweep.name }, 'a sweep failed');
    }
  }

  function begin(key: string, sweep: Sweep, look: () => Promise<unknown>): Promise<void> {
    const running = underWay.get(key);
    if (running) return running;
    const looking = report(sweep, look).finally(() => underWay.delete(key));
    underWay.set(key, looking);
    return looking;
  }

  function lookOnce(sweep: Sweep): Promise<unknown> {
    const { name, at, run } = sweep;
    const looks = at ? store.places().map((place) => begin(`${name} ${place.name}`, sweep, () => at(place))) : [];
    if (run) looks.push(begin(name, sweep, run));
    return Promise.all(looks);
  }

  function schedule(sweep: Sweep): void {
    if (closed) return;
    void lookOnce(sweep);
    const timer = setInterval(() => void lookOnce(sweep), sweep.everyMs ?? everyMs);
    timers.add(timer);
  }

  return {
    /** One look at everything. */
    sweep: async (): Promise<void> => void (await Promise.all(sweeps.map(lookOnce))),
    /** Looks at everything as it is from now on: a look that is under way may have begun before. */
    async lookAgain(): Promise<void> {
      await Promise.all(sweeps.map((sweep) => lookOnce(sweep).then(() => (closed ? undefined : lookOnce(sweep)))));
    },
    /** The first look is at once: an earlier process may have left work. */
    start: (): void => sweeps.forEach(schedule),
    async close(): Promise<void> {
      closed = true;
      for (const timer of timers) clearInterval(timer);
      await Promise.all(underWay.values());
    },
  };
}
export type Sweeper = ReturnType<typeof createSweeper>;
