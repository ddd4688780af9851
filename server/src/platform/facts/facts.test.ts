import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { until } from '../../test/app.ts';
import { things } from '../../test/facts.ts';
import { collector, jobServers, newName, onServer } from '../../test/job-backends.ts';
import { newId } from '../data/ids.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { createStore } from '../data/tenant.ts';
import type { Store } from '../data/tenant.ts';
import { createWake } from '../cluster/wake.ts';
import { createCatalogue } from './define.ts';
import type { CommittedFact } from './define.ts';
import { createReactions, defineReaction } from './reactions.ts';
import type { Reaction } from './reactions.ts';
import { recordFacts } from './record.ts';
import { createRelay } from './relay.ts';

const catalogue = createCatalogue([things]);

const reaction = (handle: (fact: CommittedFact) => unknown): Reaction => ({
  ...defineReaction({
    name: newName(),
    sentence: 'Reacts in a test.',
    on: things.on('thing.happened'),
    handle: async (fact) => void (await handle(fact)),
  }),
});

for (const kind of jobServers) {
  describe(`facts, with jobs in ${kind.name}`, () => {
    const { begin, open, server } = onServer(kind);
    let made: Store | undefined;
    const storeOf = (): Store => (made ??= createStore(server().data.database));

    /** What one process has of them. */
    function process(jobs: Jobs, reactions: Reaction[]) {
      const worked = createReactions({ jobs, catalogue, reactions });
      const relay = createRelay({ store: storeOf(), wake: createWake(), reactions: worked });
      open.push(relay);
      return { relay, work: () => worked.work(relay.handled) };
    }

    /** Facts of a workspace of their own, as they stand in the table. */
    function workspace() {
      const workspaceId = newId();
      const store = storeOf();
      const make = (count = 1) =>
        things.make('thing.happened', { workspaceId, subjectId: newId(), payload: { count } });
      return {
        workspaceId,
        make,
        record: (...facts: ReturnType<typeof make>[]) => store.inWorkspace(workspaceId, (tx) => recordFacts(tx, facts)),
        rows: () =>
          store.once<{ relayed: boolean; handled: boolean; due: string[] | null; errors: object | null }>(
            workspaceId,
            sql`select relayed_at is not null as relayed, handled_at is not null as handled, due, errors from outbox order by seq`,
          ),
        change: (set: ReturnType<typeof sql>) => store.once(workspaceId, sql`update outbox set ${set}`),
      };
    }
    const old = sql`relayed_at = relayed_at - interval '2 minutes'`;

    it('a reaction that fails for ever keeps no other from any fact, and is given up by itself', async () => {
      const { make, record, rows } = workspace();
      const ran = collector<string>();
      const broken = reaction(() => Promise.reject(new Error('it never works')));
      const sound = reaction((fact) => ran.push(fact.subjectId));
      const jobs = begin();
      const { relay, work } = process(jobs, [broken, sound]);
      work();
      await jobs.start();
      const facts = [make(), make(), make()];
      await record(...facts);
      await relay.relay();
      await ran.reached(3);
      assert.deepEqual([...ran.seen].sort(), facts.map(({ subjectId }) => subjectId).sort());
      await until(async () => (await rows()).every(({ handled }) => handled), 'all are dealt with or given up', 30_000);
      for (const { due, errors } of await rows()) {
        assert.deepEqual(due, [broken.name, sound.name]);
        assert.deepEqual(errors, { [broken.name]: 'it never works' });
      }
      assert.equal((await jobs.state(broken.name)).counts.failed, 3);
      assert.equal((await jobs.state(sound.name)).counts.failed, 0);
    });

    it('everything the jobs keep is gone: what a reaction has not dealt with comes again, and nothing else', async () => {
      const { workspaceId, make, record, rows, change } = workspace();
      const ran = collector<string>();
      const one = reaction((fact) => ran.push(fact.subjectId));
      const first = process(begin(), [one]);
      await record(make(), things.make('thing.nobody_minds', { workspaceId, subjectId: newId() }));
      await first.relay.relay();
      assert.deepEqual(
        (await rows()).map(({ relayed, handled }) => [relayed, handled]),
        [
          [true, false],
          [true, true],
        ],
      );
      await server().wipe();
      await change(old);
      const jobs = begin();
      const { relay, work } = process(jobs, [one]);
      work();
      await jobs.start();
      await relay.again();
      await until(async () => (await rows()).every(({ handled }) => handled), 'it is dealt with');
      assert.equal(ran.seen.length, 1);
      await change(old);
      await relay.again();
      assert.ok((await rows()).every(({ relayed }) => relayed));
      assert.equal((await jobs.state(one.name)).counts.waiting, 0);
      assert.equal(ran.seen.length, 1);
    });

    it('a fact the version before wrote or handed over is read under its present name and shape', async () => {
      const { make, record, rows, change } = workspace();
      const ran = collector<CommittedFact>();
      const one = reaction((fact) => ran.push(fact));
      const jobs = begin();
      const { relay, work } = process(jobs, [one]);
      work();
      await jobs.start();
      await record(make());
      // Handed over by the version before, which knew no reactions, with a job that is lost.
      await change(sql`type = 'thing.occurred', payload = '{"count": "many", "amount": "7"}',
        relayed_at = now() - interval '2 minutes', due = null`);
      await relay.again();
      await ran.reached(1);
      assert.deepEqual([ran.seen[0]?.type, ran.seen[0]?.payload], ['thing.happened', { count: 7, amount: '7' }]);
      await until(async () => (await rows()).every(({ handled }) => handled), 'it is dealt with');
    });

    it('a payload nobody can read is given up at once, with the reason', async () => {
      const { make, record, rows, change } = workspace();
      const one = reaction(() => assert.fail('it was read'));
      const jobs = begin();
      const { relay, work } = process(jobs, [one]);
      work();
      await jobs.start();
      await record(make());
      await change(sql`payload = '{"count": "many"}'`);
      await relay.relay();
      await until(async () => (await rows()).every(({ handled }) => handled), 'it is given up');
      const [dead] = await jobs.failed(one.name);
      assert.equal(dead?.attempts, 1);
      assert.match(dead.error, /the payload of thing\.happened does not fit/);
      assert.match(JSON.stringify(await rows()), /does not fit/);
    });

    it('a reaction that is gone, with the feature it was of, keeps no fact waiting', async () => {
      const { make, record, rows, change } = workspace();
      const ran = collector<string>();
      const stays = reaction((fact) => ran.push(fact.subjectId));
      const goes = reaction(() => assert.fail('it is gone'));
      await record(make());
      await process(begin(), [stays, goes]).relay.relay();
      await change(old);
      const jobs = begin();
      const { relay, work } = process(jobs, [stays]);
      work();
      await jobs.start();
      await relay.again();
      await until(async () => (await rows()).every(({ handled }) => handled), 'it is dealt with');
      assert.deepEqual((await rows())[0]?.due, [stays.name]);
      assert.equal(ran.seen.length, 1);
    });

    it('one that cannot say whether it wants a fact keeps no other from it', async () => {
      const { make, record, rows } = workspace();
      const unsure = { ...reaction(() => undefined), wants: () => Promise.reject(new Error('it cannot say')) };
      const sound = reaction(() => undefined);
      await record(make());
      await process(begin(), [unsure, sound]).relay.relay();
      assert.deepEqual((await rows())[0]?.due, [unsure.name, sound.name]);
    });

    it('wants only what it says: the others are never handed to it', async () => {
      const { make, record, rows } = workspace();
      const many = { ...reaction(() => undefined), wants: (fact: CommittedFact) => Number(fact.payload.count) > 1 };
      await record(make(1), make(2));
      await process(begin(), [many]).relay.relay();
      assert.deepEqual(
        (await rows()).map(({ due, handled }) => [due, handled]),
        [
          [[], true],
          [[many.name], false],
        ],
      );
    });
  });
}

describe('the catalogue', () => {
  it('has every name once', () => {
    assert.throws(() => createCatalogue([things, things]), /thing\.happened is defined twice/);
  });

  it('refuses a payload of ours that does not fit, before it is written', () => {
    const payload = { count: 1.5 };
    assert.throws(() => things.make('thing.happened', { workspaceId: newId(), subjectId: newId(), payload }), /count/);
  });
});
