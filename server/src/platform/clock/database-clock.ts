import type { Database } from '../data/index.ts';
import type { Logger } from '../telemetry/log.ts';
import { realClock } from './clock.ts';
import type { Clock } from './clock.ts';

const EVERY_MS = 60_000;
const TRIES_AT_START = 5;
/** An answer that took longer says too little of when it was made. */
const PROMPT_MS = 1_000;
/** Less than this is what asking costs. */
const SAME_MS = 100;

/**
 * The time of the database's machine, which all processes share: a machine whose own clock is wrong writes no moment that
 * others would order wrongly. Read at the start and every minute; between the looks this machine counts on.
 */
export async function followDatabase(database: Database, log: Logger): Promise<Clock & { close(): void }> {
  let aheadMs = 0;
  /** @returns whether the answer came promptly enough to be used */
  async function look(): Promise<boolean> {
    const asked = Date.now();
    const { rows } = await database.pool.query<{ at: number }>(
      'select (extract(epoch from clock_timestamp()) * 1000)::float8 as at',
    );
    const answered = Date.now();
    const difference = Number(rows[0]?.at ?? answered) - (asked + answered) / 2;
    const isPrompt = answered - asked <= PROMPT_MS;
    if (isPrompt) aheadMs = Math.abs(difference) < SAME_MS ? 0 : Math.round(difference);
    return isPrompt;
  }
  // The embedded database runs on this machine.
  if (database.kind === 'embedded') return { ...realClock, close: () => undefined };
  // The first answer may come late because its connection is new.
  for (let tries = 1; tries <= TRIES_AT_START && !(await look()); tries++);
  const timer = setInterval(() => {
    look().catch((error: unknown) => log.debug({ err: error }, 'the clock of the database was not read'));
  }, EVERY_MS).unref();
  const ms = (): number => Date.now() + aheadMs;
  return { ...realClock, ms, now: () => new Date(ms()), close: () => clearInterval(timer) };
}
