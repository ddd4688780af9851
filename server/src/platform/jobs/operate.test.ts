import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../test/until.ts';
import { stays } from '../../test/stays.ts';
import { collector, definition, jobServers, newName, onServer } from '../../test/job-backends.ts';

/** How queues are kept in order: limits, schedules, pauses, what died, what is seen from outside. */

const MINUTE = 60_000;

for (const kind of jobServers) {
  describe(`looking after jobs in ${kind.name}`, () => {
    const { begin } = onServer(kind);

    it('a queue nobody defined is not found', async () => {
      const jobs = begin();
      const missing = [jobs.state('x'), jobs.failed('x'), jobs.retry('x', '1'), jobs.retryAll('x'), jobs.pause('x')];
      for (const answer of [...missing, jobs.resume('x')]) await assert.rejects(answer, { status: 404 });
    });

    it('no more jobs start than the rate of the queue allows, all processes together; the others wait', async () => {
      const rated = { ...definition(newName()), concurrency: 10, rate: { max: 5, perMs: 10 * MINUTE } };
      const ran = collector<string>();
      const processes = [begin(), begin()];
      for (const jobs of processes) jobs.define(rated).process(async ({ text }) => ran.push(text));
      const [jobs] = processes;
      if (!jobs) throw new Error('there is a process');
      await Promise.all(Array.from({ length: 12 }, (_, index) => jobs.add(rated.name, { text: String(index) })));
      for (const each of processes) await each.start();
      await ran.reached(5);
      await stays(() => ran.seen.length === 5, 'the others wait', 300);
      assert.equal((await jobs.state(rated.name)).counts.waiting, 7);
    });

    it('what the rate held back runs when its time has come', async () => {
      const jobs = begin();
      const queue = jobs.define({ ...definition(newName()), rate: { max: 2, perMs: 150 } });
      const ran = collector<string>();
      queue.process(async ({ text }) => ran.push(text));
      await jobs.start();
      await Promise.all(['a', 'b', 'c', 'd', 'e'].map((text) => queue.add({ text })));
      await ran.reached(5);
      assert.deepEqual(ran.seen.toSorted(), ['a', 'b', 'c', 'd', 'e']);
    });

    it('each wait before another attempt is about twice the one before, and never less than four fifths of it', async () => {
      const jobs = begin();
      const queue = jobs.define({ ...definition(newName()), attempts: 4, backoffMs: 100 });
      const ended: number[] = [];
      const ran = collector<number>();
      queue.process(async () => {
        ran.push(performance.now());
        ended.push(performance.now());
        throw new Error('again');
      });
      await jobs.start();
      await queue.add({ text: 'x' });
      await ran.reached(4);
      const waits = ran.seen.slice(1).map((at, index) => at - (ended[index] ?? 0));
      // The clock of the wait has whole milliseconds.
      for (const [index, least] of [80, 160, 320].entries()) assert.ok((waits[index] ?? 0) >= least - 2, waits.join());
    });

    it('a schedule by pattern runs; a pattern that is none is refused', async () => {
      const jobs = begin();
      const queue = jobs.define(definition(newName()));
      const ran = collector<string>();
      queue.process(async ({ text }) => ran.push(text));
      await assert.rejects(jobs.schedule(queue.name, { cron: 'now and then' }, { text: 'never' }));
      await jobs.schedule(queue.name, { cron: '* * * * * *', timeZone: 'Europe/Helsinki' }, { text: 'every second' });
      await jobs.start();
      await ran.reached(2);
      assert.deepEqual([...new Set(ran.seen)], ['every second']);
    });

    it('a schedule several processes ask for is one', async () => {
      const one = definition(newName());
      const processes = [begin(), begin(), begin()];
      for (const jobs of processes) jobs.define(one);
      await Promise.all(processes.map((jobs) => jobs.schedule(one.name, { everyMs: 10 * MINUTE }, { text: 'tick' })));
      const state = await processes[0]?.state(one.name);
      assert.equal((state?.counts.delayed ?? 0) + (state?.counts.waiting ?? 0), 1);
    });

    it('a paused queue starts nothing in any process, also a new one, until it is resumed', async () => {
      const one = definition(newName());
      const [operator, first] = [begin(), begin()];
      operator.define(one);
      const ran = collector<string>();
      first.define(one).process(async ({ text }) => ran.push(text));
      await first.start();
      await operator.pause(one.name);
      await operator.pause(one.name);
      assert.equal((await operator.state(one.name)).paused, true);
      await first.add(one.name, { text: 'kept' });
      const second = begin();
      second.define(one).process(async ({ text }) => ran.push(text));
      await second.start();
      await stays(() => ran.seen.length === 0, 'nothing runs', 300);
      assert.equal((await operator.state(one.name)).counts.waiting, 1);
      await operator.resume(one.name);
      await ran.reached(1);
      assert.equal((await operator.state(one.name)).paused, false);
    });

    it('who works on a queue hears once of a job that is given up, with its error', async () => {
      const jobs = begin();
      const queue = jobs.define(definition(newName()));
      const buried = collector<unknown>();
      queue.process(
        () => Promise.reject(new Error('no paper; token=abcdefghijklmnop https://a.example/?token=abcdefghijk')),
        async (payload, error) => buried.push({ payload, error }),
      );
      await jobs.start();
      await queue.add({ text: 'print' });
      await buried.reached(1);
      await until(async () => (await jobs.failed(queue.name)).length === 1, 'it is kept');
      assert.equal(buried.seen.length, 1);
      const [dead] = await jobs.failed(queue.name);
      assert.match(dead?.error ?? '', /no paper/);
      assert.doesNotMatch(dead?.error ?? '', /token=abcdefghijk\b/);
      assert.deepEqual(buried.seen, [{ payload: { text: 'print' }, error: dead?.error }]);
    });

    it('all dead jobs run again; of two who replay one, one does', async () => {
      const jobs = begin();
      const queue = jobs.define({ ...definition(newName()), attempts: 1 });
      const ran = collector<string>();
      let broken = true;
      queue.process(async ({ text }) => {
        if (broken) throw new Error('not yet');
        ran.push(text);
      });
      await jobs.start();
      for (const text of ['a', 'b', 'c']) await queue.add({ text }, { jobId: text });
      await until(async () => (await jobs.failed(queue.name)).length === 3, 'all are dead');
      assert.deepEqual(
        (await jobs.failed(queue.name, { offset: 1, limit: 1 })).map(({ attempts }) => attempts),
        [1],
      );
      broken = false;
      const answers = await Promise.allSettled([jobs.retry(queue.name, 'a'), jobs.retry(queue.name, 'a')]);
      assert.deepEqual(answers.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      assert.equal(await jobs.retryAll(queue.name), 2);
      await ran.reached(3);
      assert.deepEqual(ran.seen.toSorted(), ['a', 'b', 'c']);
      assert.equal(await jobs.retryAll(queue.name), 0);
    });

    it('tells what waits, for how long, and how long others waited', async () => {
      const jobs = begin();
      const one = { ...definition(newName()), rate: { max: 100, perMs: 1_000 } };
      const queue = jobs.define(one);
      const empty = await jobs.state(one.name);
      assert.deepEqual(empty, {
        name: one.name,
        sentence: one.sentence,
        concurrency: 2,
        attempts: 3,
        rate: one.rate,
        paused: false,
        counts: { waiting: 0, active: 0, delayed: 0, failed: 0, completed: 0 },
        oldestWaitingMs: null,
        waited: null,
      });
      await queue.add({ text: 'plain' });
      const isOld = async () => ((await jobs.state(one.name)).oldestWaitingMs ?? 0) >= 60;
      await until(isOld, 'it has waited for a while');
      await queue.add({ text: 'with a priority' }, { priority: 3 });
      await queue.add({ text: 'later' }, { delayMs: 10 * MINUTE });
      const before = await jobs.state(one.name);
      assert.deepEqual(before.counts, { waiting: 2, active: 0, delayed: 1, failed: 0, completed: 0 });
      assert.ok((before.oldestWaitingMs ?? 0) >= 60, String(before.oldestWaitingMs));
      const ran = collector<string>();
      queue.process(async ({ text }) => ran.push(text));
      await jobs.start();
      await ran.reached(2);
      const later = await until(async () => {
        const state = await jobs.state(one.name);
        return state.counts.completed === 2 && state.waited?.jobs === 2 && state;
      }, 'both are done and counted');
      assert.equal(later.oldestWaitingMs, null);
      assert.ok((later.waited?.p95 ?? 0) >= 60);
      assert.ok((later.waited?.p50 ?? 0) <= (later.waited?.p95 ?? 0));
      assert.deepEqual(
        (await jobs.states()).map(({ name }) => name),
        [one.name],
      );
    });
  });
}
