import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';

/**
 * A lease is a time on a row: whoever set it has the row alone until then, by the clock of the database, and no other counts.
 * It is taken by an update with `isFree` in its condition. Its end names it, since one taken after it ends later: with `isHeld`
 * in the condition of every write, a holder that was paused past its lease changes nothing any more. Where a lease is renewed
 * its end moves, and a number that grows names it (turn/lease.ts).
 */
export const isFree = (end: SQL): SQL => sql`(${end} is null or ${end} < now())`;
export const isHeld = (end: SQL, lease: string): SQL => sql`${end} = ${lease}::timestamptz`;

/** So far ahead by that clock: the end of a lease, or the time of a next try. */
export const ahead = (milliseconds: number): SQL => sql`now() + make_interval(secs => ${milliseconds / 1000})`;
