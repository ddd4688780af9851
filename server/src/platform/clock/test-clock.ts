import type { Wake } from '../cluster/wake.ts';
import { RESYNC } from '../cluster/wake.ts';
import type { Database } from '../data/index.ts';
import { idsFollow } from '../data/ids.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Clock } from './clock.ts';

/** Every process is told of it. */
export const CLOCK_SET = 'clock.set';

export type TestClock = Clock & {
  /** From here on it is `moment`, and time goes on; for all processes of the installation. */
  set(moment: Date): Promise<void>;
  /** Hears of settings by other processes. */
  start(): void;
  close(): void;
};

type Parts = { database: Pick<Database, 'pool'>; wake: Wake; log: Logger };

/**
 * A clock that tests may set. How far it is ahead of the real one stands in the database, so that a process that starts later has
 * the same time. Ids are made by it too, since months of messages and their retention go by the ids.
 */
export async function openTestClock({ database, wake, log }: Parts): Promise<TestClock> {
  const listeners = new Set<() => void>();
  let aheadMs = await read();

  async function read(): Promise<number> {
    const { rows } = await database.pool.query<{ ahead: string }>(
      'select clock_ahead_ms::text as ahead from installation',
    );
    return Number(rows[0]?.ahead ?? 0);
  }

  function move(toMs: number): void {
    if (toMs === aheadMs) return;
    aheadMs = toMs;
    log.info({ now: clock.now().toISOString() }, 'the clock was set');
    for (const listener of listeners) listener();
  }

  const follow = async (): Promise<void> => move(await read());
  const clock: Clock = {
    now: () => new Date(clock.ms()),
    ms: () => Date.now() + aheadMs,
    // What is named in this clock's time already is not from the future.
    ofOutside: (moment) =>
      aheadMs === 0 ? moment : new Date(Math.min(Date.parse(moment) + aheadMs, clock.ms())).toISOString(),
    onSet: (listener) => void listeners.add(listener),
  };
  idsFollow(clock.ms);
  const ends: (() => void)[] = [];

  return {
    ...clock,
    async set(moment) {
      const ahead = moment.getTime() - Date.now();
      await database.pool.query('update installation set clock_ahead_ms = $1', [ahead]);
      move(ahead);
      wake.wake(CLOCK_SET, 'all');
    },
    start: () => void ends.push(...[CLOCK_SET, RESYNC].map((topic) => wake.on(topic, follow))),
    close() {
      for (const end of ends) end();
      idsFollow(Date.now);
    },
  };
}
