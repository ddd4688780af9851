import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import { z } from 'zod';
import { newId } from './ids.ts';
import type { Logger } from './log.ts';
import { storedJson } from './stored-json.ts';
import { carried } from './tracing.ts';
import type { Place, Store, Tx } from './tenant.ts';
import type { Wake } from './wake.ts';

/** Something that became true. Past tense, noun first: `message.received`, `handoff.requested`. */
export type Fact = {
  workspaceId: string;
  type: string;
  subjectId: string;
  payload?: Record<string, unknown>;
};

/** What a processor gets. `id` is the same at every retry: a processor that acts outside uses it to act once. */
export const RelayedFact = z.object({
  id: z.uuid(),
  workspaceId: z.uuid(),
  type: z.string(),
  subjectId: z.uuid(),
  payload: z.record(z.string(), z.unknown()),
  requestId: z.string().nullable(),
});
export type RelayedFact = z.infer<typeof RelayedFact>;

/** One fact as a row for `insert into outbox`, to be part of a larger statement. */
export const factValues = (fact: Fact): SQL =>
  sql`(${newId()}::uuid, ${fact.workspaceId}::uuid, ${fact.type}::text, ${fact.subjectId}::uuid, ${storedJson(fact.payload ?? {})}::jsonb, ${carried() ?? null}::text)`;

/** Writes facts in the transaction that makes them true: both are kept, or neither. */
export async function recordFacts(tx: Tx, facts: Fact[]): Promise<void> {
  if (facts.length === 0) return;
  await tx.execute(
    sql`insert into outbox (id, workspace_id, type, subject_id, payload, request_id) values ${sql.join(facts.map(factValues), sql`, `)}`,
  );
}

export const OUTBOX = 'outbox';
const BATCH = 200;
/** A fact nobody has dealt with for so long is handed over again: its job may be lost. */
const FORGOTTEN_AFTER_S = 60;
const AGAIN_AT_ONCE = 500;
const KEPT_DAYS = 7;
const TRIM_EVERY_MS = 3_600_000;

/**
 * Hands committed facts to the job queue, with the fact's id as the job's id: a relay that dies between the two hands
 * the same job over again, and the queue keeps one. So does one that finds a fact nobody has dealt with: while its job
 * waits, runs or is dead nothing happens, and when the queue was emptied it gets it back.
 */
export function createRelay(parts: {
  store: Store;
  wake: Wake;
  log: Logger;
  /** whether anybody reacts to this fact of a workspace that lives there; the others are only marked as relayed */
  wanted: (fact: RelayedFact, place: Place) => Promise<boolean>;
  hand: (fact: RelayedFact) => Promise<void>;
}) {
  const { store, wake, wanted, hand } = parts;
  const relays = new Map<string, { running: Promise<void>; again: boolean }>();
  let trimmedAt = 0;

  async function waiting(place: Place): Promise<RelayedFact[]> {
    const { rows } = await place.asSystem((tx) =>
      tx.execute<{
        id: string;
        workspace_id: string;
        type: string;
        subject_id: string;
        payload: Record<string, unknown>;
        request_id: string | null;
      }>(
        sql`select id, workspace_id, type, subject_id, payload, request_id from outbox
            where relayed_at is null order by seq limit ${BATCH}`,
      ),
    );
    return rows.map((row) => ({
      id: row.id,
      workspaceId: row.workspace_id,
      type: row.type,
      subjectId: row.subject_id,
      payload: row.payload,
      requestId: row.request_id,
    }));
  }

  // No transaction is held while jobs are added: two relays may hand over the same fact, and the job's id makes it one.
  // (On the embedded database an open transaction would even wait for itself: it has one session for everybody.)
  async function relayBatch(place: Place): Promise<number> {
    const facts = await waiting(place);
    if (facts.length === 0) return 0;
    const isWanted = await Promise.all(facts.map((fact) => wanted(fact, place)));
    await Promise.all(facts.filter((_fact, index) => isWanted[index]).map(hand));
    const ids = sql.join(
      facts.map((fact) => sql`${fact.id}::uuid`),
      sql`, `,
    );
    // What nobody reacts to is done with; somebody else may be faster than this.
    const idle = facts.filter((_fact, index) => !isWanted[index]).map((fact) => fact.id);
    await place.asSystem((tx) =>
      tx.execute(sql`
        update outbox set relayed_at = now(), handled_at = case when id = any(${sql.param(idle)}::uuid[]) then now() else handled_at end
        where id in (${ids})`),
    );
    return facts.length;
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

  const stop = wake.on(OUTBOX, relay);
  return {
    relay,
    /** Notes that a fact was dealt with, or given up with an error. */
    async handled(fact: RelayedFact, error?: string): Promise<void> {
      await store.once(
        fact.workspaceId,
        sql`update outbox set handled_at = now(), error = ${error ?? null}::text where id = ${fact.id}::uuid`,
      );
    },
    /** Hands facts over again whose jobs may be lost. For the sweeper. */
    async again(): Promise<void> {
      const found = await everywhere((place) =>
        place.asSystem((tx) =>
          tx.execute(sql`
          update outbox set relayed_at = null where id in (
            select id from outbox where handled_at is null
              and relayed_at < now() - make_interval(secs => ${FORGOTTEN_AFTER_S})
            order by relayed_at limit ${AGAIN_AT_ONCE} for update skip locked)
          returning id`),
        ),
      );
      if (found.some(({ rows }) => rows.length > 0)) await relay();
    },
    /** Forgets facts that were dealt with a week ago. May be called often: it looks once an hour. */
    async trim(): Promise<void> {
      if (Date.now() - trimmedAt < TRIM_EVERY_MS) return;
      trimmedAt = Date.now();
      await everywhere((place) =>
        place.asSystem((tx) =>
          tx.execute(
            sql`delete from outbox where handled_at is not null and relayed_at < now() - make_interval(days => ${KEPT_DAYS})`,
          ),
        ),
      );
    },
    async close(): Promise<void> {
      stop();
      await Promise.allSettled([...relays.values()].map(({ running }) => running));
    },
  };
}
