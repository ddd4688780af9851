import type { Fleet } from './fleet.ts';
import { rest } from './plan.ts';

type Held = { kind: 'thread' | 'send'; id: string; token: string; until: string; waits: boolean };

/** `waits`: somebody has to go on with it. A thread whose messages are all dealt with may lie as the dead holder left it. */
const HELD = `
  select 'thread' as kind, t.id::text, t.lease_token::text as token, t.lease_until::text as until,
    exists (select 1 from inbound_events e where e.inbox_id = t.inbox_id and e.thread_key = t.thread_key
      and e.processed_at is null and e.dead_at is null) as waits
  from threads t where `;
const SENDING = `
  union all
  select 'send', d.id::text, d.lease_token::text, d.lease_until::text, d.state in ('pending', 'sending') from deliveries d where `;

/**
 * Measures how long held work lies after a kill: for every thread and every send that somebody holds now, the time until
 * its lease moves. A living holder renews it within seconds; what a dead one held moves when somebody else takes it. A
 * thread that is put off after a failure has a lease too, but no holder.
 */
export async function watchTakeover(query: Fleet['query']) {
  const before = await query<Held>(
    `${HELD} t.lease_until > now() and t.lease_holder is not null ${SENDING} d.state = 'sending'`,
  );
  const began = Date.now();

  return {
    /** @returns milliseconds from now to the next write, for what was last to be written */
    async taken(withinMs: number): Promise<Record<string, number | string>> {
      const waiting = new Map(before.map((one) => [one.id, one]));
      let longest = 0;
      let taken = 0;
      while (waiting.size > 0 && Date.now() - began < withinMs) {
        await rest(100);
        const rows = await query<Held>(`${HELD} t.id = any($1) ${SENDING} d.id = any($1)`, [[...waiting.keys()]]);
        for (const current of rows) {
          const one = waiting.get(current.id);
          const moved = current.token !== one?.token || current.until !== one.until;
          if (moved || !current.waits) waiting.delete(current.id);
          if (!moved) continue;
          longest = Date.now() - began;
          if (current.token !== one?.token) taken += 1;
        }
      }
      const left = [...waiting.values()].map(({ kind, id }) => `${kind} ${id}`);
      return {
        'held at the kill': before.length,
        'taken over': taken,
        'longest ms': left.length > 0 ? Number.POSITIVE_INFINITY : longest,
        ...(left.length > 0 ? { 'not taken over': left.join(', ') } : {}),
      };
    },
  };
}
