import { sql } from 'drizzle-orm';
import type { Sweep } from '../sweeps/sweeps.ts';
import type { Place, Store } from '../data/tenant.ts';
import type { Wake } from '../cluster/wake.ts';
import type { CommittedFact } from './define.ts';
import type { Reactions } from './reactions.ts';

export const OUTBOX = 'outbox';
const BATCH = 200;
/** A fact nobody has dealt with for so long is handed over again: its job may be lost. */
const FORGOTTEN_AFTER_S = 60;
const AGAIN_AT_ONCE = 500;
const KEPT_DAYS = 7;
const HOUR_MS = 3_600_000;

type Row = {
  id: string;
  workspace_id: string;
  type: string;
  subject_id: string;
  payload: Record<string, unknown>;
  request_id: string | null;
  due: string[] | null;
  done: string[];
};
type Waiting = { fact: CommittedFact; due: string[] | null; done: string[] };

/**
 * Hands committed facts to the queues of the reactions that want them, with the fact's id as the job's id: a relay that
 * dies between the two hands the same job over again, and the queue keeps one. So does one that finds a fact a reaction
 * has not dealt with: while its job waits, runs or is dead nothing happens, and when the queue was emptied it gets it back.
 */
export function createRelay(parts: { store: Store; wake: Wake; reactions: Reactions }) {
  const { store, wake, reactions } = parts;
  const relays = new Map<string, { running: Promise<void>; again: boolean }>();

  async function waiting(place: Place): Promise<Waiting[]> {
    const { rows } = await place.asSystem((tx) =>
      tx.execute<Row>(
        sql`select id, workspace_id, type, subject_id, payload, request_id, due, done from outbox
            where relayed_at is null order by seq limit ${BATCH}`,
      ),
    );
    return rows.map(({ due, done, ...row }) => ({
      fact: {
        id: row.id,
        workspaceId: row.workspace_id,
        type: row.type,
        subjectId: row.subject_id,
        payload: row.payload,
        requestId: row.request_id,
      },
      due,
      done,
    }));
  }

  /** The first time, who wants it; later, who of them has not dealt with it and still exists. */
  async function dueOf(
    { fact, due, done }: Waiting,
    place: Place,
  ): Promise<{ id: string; due: string[]; to: string[] }> {
    const wanting = due ?? (await reactions.wanting(fact, place));
    const known = wanting.filter((name) => reactions.knows(name) || done.includes(name));
    return { id: fact.id, due: known, to: known.filter((name) => !done.includes(name)) };
  }

  // No transaction is held while jobs are added: two relays may hand over the same fact, and the job's id makes it one.
  // (On the embedded database an open transaction would even wait for itself: it has one session for everybody.)
  async function relayBatch(place: Place): Promise<number> {
    const found = await waiting(place);
    if (found.length === 0) return 0;
    const marks = await Promise.all(found.map((one) => dueOf(one, place)));
    await Promise.all(
      found.flatMap(({ fact }, index) => (marks[index]?.to ?? []).map((name) => reactions.hand(fact, name))),
    );
    // A fact that is due for no reaction is handled. Another process may have marked it first.
    await place.asSystem((tx) =>
      tx.execute(sql`
        update outbox o set relayed_at = now(), due = m.due,
          handled_at = case when m.due <@ o.done then coalesce(o.handled_at, now()) else o.handled_at end
        from (select id, array(select jsonb_array_elements_text(due)) as due
              from jsonb_to_recordset(${JSON.stringify(marks)}::jsonb) as m(id uuid, due jsonb)) m
        where o.id = m.id`),
    );
    return found.length;
  }

  /** One place that fails keeps no other from its turn. */
  async function everywhere<T>(work: (place: Place) => Promise<T>): Promise<T[]> {
    const ended = await Promise.allSettled(store.places().map(work));
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
    return ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }

  /** Relays all that waits at a place; calls while it runs are folded into one more round. */
  function relayPlace(place: Place): Promise<void> {
    const under = relays.get(place.name);
    if (under) {
      under.again = true;
      return under.running;
    }
    const state = { again: true, running: Promise.resolve() };
    relays.set(place.name, state);
    state.running = (async () => {
      try {
        while (state.again) {
          state.again = false;
          while ((await relayBatch(place)) === BATCH);
        }
      } finally {
        relays.delete(place.name);
      }
    })();
    return state.running;
  }

  /** Each place for itself: one that says nothing keeps the facts of no other. */
  const relay = async (): Promise<void> => void (await everywhere(relayPlace));

  /** Hands facts over again whose jobs may be lost. */
  async function againAt(place: Place): Promise<void> {
    const { rows } = await place.asSystem((tx) =>
      tx.execute(sql`
        update outbox set relayed_at = null where id in (
          select id from outbox where handled_at is null
            and relayed_at < now() - make_interval(secs => ${FORGOTTEN_AFTER_S})
          order by relayed_at limit ${AGAIN_AT_ONCE} for update skip locked)
        returning id`),
    );
    if (rows.length > 0) await relayPlace(place);
  }

  /** Deletes facts that were dealt with a week ago. */
  const deleteOld = (place: Place): Promise<unknown> =>
    place.asSystem((tx) =>
      tx.execute(
        sql`delete from outbox where handled_at is not null and relayed_at < now() - make_interval(days => ${KEPT_DAYS})`,
      ),
    );

  const sweeps: Sweep[] = [
    { name: 'facts to relay', at: relayPlace },
    { name: 'facts nobody dealt with', at: againAt },
    { name: 'old facts', everyMs: HOUR_MS, at: deleteOld },
  ];

  const stop = wake.on(OUTBOX, relay);
  return {
    relay,
    /** Notes that a reaction has dealt with a fact, or was given up with an error; a later success takes the error back. */
    async handled(fact: CommittedFact, reaction: string, error?: string): Promise<void> {
      await store.once(
        fact.workspaceId,
        sql`update outbox set
              done = case when ${reaction}::text = any(done) then done else done || ${reaction}::text end,
              handled_at = case when due <@ (done || ${reaction}::text) then coalesce(handled_at, now()) end,
              errors = ${error === undefined ? sql`errors - ${reaction}::text` : sql`coalesce(errors, '{}') || jsonb_build_object(${reaction}::text, ${error}::text)`}
            where id = ${fact.id}::uuid`,
      );
    },
    again: async (): Promise<void> => void (await everywhere(againAt)),
    sweeps,
    async close(): Promise<void> {
      stop();
      await Promise.allSettled([...relays.values()].map(({ running }) => running));
    },
  };
}
