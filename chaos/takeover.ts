import type { Fleet } from './fleet.ts';
import { rest } from './plan.ts';

type Held = { kind: 'thread' | 'send'; id: string; token: string; until: string };

/**
 * Measures how long held work lies after a kill: for every thread and every send that somebody holds now, the time until
 * its lease moves. A living holder renews it within seconds; what a dead one held moves when somebody else takes it. A
 * thread that is put off after a failure has a lease too, but no holder.
 */
export async function watchTakeover(query: Fleet['query']) {
  const held = (): Promise<Held[]> =>
    query<Held>(
      `select 'thread' as kind, id::text, lease_token::text as token, lease_until::text as until from threads
       where lease_until > now() and lease_holder is not null
       union all
       select 'send', id::text, lease_token::text, lease_until::text from deliveries where state = 'sending'`,
    );
  const before = await held();
  const began = Date.now();

  return {
    /** @returns milliseconds from now to the next write, for what was last to be written */
    async taken(withinMs: number): Promise<Record<string, number | string>> {
      const waiting = new Map(before.map((one) => [one.id, one]));
      let longest = 0;
      let taken = 0;
      while (waiting.size > 0 && Date.now() - began < withinMs) {
        await rest(100);
        const now = new Map(
          (
            await query<Held>(
              `select 'thread' as kind, id::text, lease_token::text as token, lease_until::text as until from threads where id = any($1)
               union all
               select 'send', id::text, lease_token::text, lease_until::text from deliveries where id = any($1)`,
              [[...waiting.keys()]],
            )
          ).map((one) => [one.id, one]),
        );
        for (const [id, one] of waiting) {
          const current = now.get(id);
          if (current && current.token === one.token && current.until === one.until) continue;
          waiting.delete(id);
          longest = Date.now() - began;
          if (current && current.token !== one.token) taken += 1;
        }
      }
      return {
        'held at the kill': before.length,
        'taken over': taken,
        'longest ms': waiting.size > 0 ? Number.POSITIVE_INFINITY : longest,
        ...(waiting.size > 0 ? { 'not taken over': `${[...waiting.values()].map(({ kind }) => kind).join(' ')}` } : {}),
      };
    },
  };
}
