import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../test/app.ts';
import { z } from 'zod';
import { collector, definition, jobServers, newName, onServer } from '../../test/job-backends.ts';
import { currentRequestId, runWithContext } from '../telemetry/log.ts';

/** The contract of background work, the same wherever jobs live. */

for (const kind of jobServers) {
  describe(`jobs in ${kind.name}`, () => {
    const { begin, server } = onServer(kind);

    it('a payload that does not fit is refused before it is stored', async () => {
      const jobs = begin();
      const { name } = jobs.define(definition(newName()));
      await assert.rejects(jobs.add(name, { text: 7 }), z.ZodError);
      assert.equal((await jobs.counts())[name]?.waiting, 0);
    });

    it('an undefined queue, a second definition and a second handler are refused', async () => {
      const jobs = begin();
      const queue = jobs.define(definition(newName()));
      queue.process(async () => {});
      await assert.rejects(jobs.add('elsewhere', {}), /no queue elsewhere/);
      assert.throws(() => jobs.define(definition(queue.name)), /defined twice/);
      assert.throws(() => queue.process(async () => {}), /processed twice/);
    });

    it('a queue is had by what defined it, and by nothing that only has its name', async () => {
      const jobs = begin();
      const one = definition(newName());
      assert.throws(() => jobs.queueOf(one), /is not defined/);
      jobs.define(one);
      assert.throws(() => jobs.queueOf({ ...one }), /is not defined/);
      await jobs.queueOf(one).add({ text: 'waits' });
      assert.equal((await jobs.counts())[one.name]?.waiting, 1);
    });

    it('a stored payload that no longer fits goes to the dead jobs at once', async () => {
      const name = newName();
      const older = begin();
      await older
        .define({ ...definition(name), schema: z.object({ words: z.number() }), concurrency: 1 })
        .add({ words: 3 });
      const jobs = begin();
      jobs.define(definition(name)).process(async () => {});
      await jobs.start();
      await until(async () => (await jobs.failed(name)).length === 1, 'it shows in the queue');
      const [dead] = await jobs.failed(name);
      assert.match(dead?.error ?? '', /does not fit/);
      assert.equal(dead?.attempts, 1);
    });

    it('a job is worked on, under the request that caused it', async () => {
      const jobs = begin();
      const queue = jobs.define(definition(newName()));
      const ran = collector<unknown>();
      queue.process(async (payload, { requestId, attempt }) =>
        ran.push({ payload, requestId, attempt, current: currentRequestId() }),
      );
      await jobs.start();
      await runWithContext({ requestId: 'request-1' }, () => queue.add({ text: 'hello' }));
      await ran.reached(1);
      assert.deepEqual(ran.seen, [
        { payload: { text: 'hello' }, requestId: 'request-1', attempt: 1, current: 'request-1' },
      ]);
    });

    it('many jobs each run once', async () => {
      const jobs = begin();
      const queue = jobs.define({ ...definition(newName()), concurrency: 10 });
      const ran = collector<string>();
      queue.process(async ({ text }) => ran.push(text));
      await jobs.start();
      const texts = Array.from({ length: 200 }, (_, index) => String(index));
      await Promise.all(texts.map((text) => queue.add({ text })));
      await ran.reached(200);
      assert.deepEqual(ran.seen.toSorted(), texts.toSorted());
    });

    it('a delayed job does not run before its time and not before earlier ones', async () => {
      const jobs = begin();
      const queue = jobs.define(definition(newName()));
      const ran = collector<string>();
      queue.process(async ({ text }) => ran.push(text));
      await jobs.start();
      const added = Date.now();
      await queue.add({ text: 'later' }, { delayMs: 300 });
      await queue.add({ text: 'now' });
      await ran.reached(2);
      assert.deepEqual(ran.seen, ['now', 'later']);
      assert.ok(Date.now() - added >= 300);
    });

    it('a failing job is tried three times, kept with its error, and can be run again', async () => {
      const jobs = begin();
      const queue = jobs.define(definition(newName()));
      const attempts = collector<number>();
      let broken = true;
      queue.process(async (_payload, { attempt }) => {
        attempts.push(attempt);
        if (broken) throw new Error('the printer is on fire');
      });
      await jobs.start();
      await queue.add({ text: 'print' }, { jobId: 'print-1' });
      await until(async () => (await jobs.failed(queue.name)).length === 1, 'it shows in the queue');
      assert.deepEqual(attempts.seen, [1, 2, 3]);
      const [dead] = await jobs.failed(queue.name);
      assert.equal(dead?.id, 'print-1');
      assert.equal(dead.attempts, 3);
      assert.match(dead.error, /printer is on fire/);
      assert.deepEqual(dead.payload, { text: 'print' });
      assert.ok(dead.failedAt instanceof Date);

      await assert.rejects(jobs.retry(queue.name, 'no-such-job'), { status: 404 });
      broken = false;
      await jobs.retry(queue.name, 'print-1');
      await attempts.reached(4);
      assert.deepEqual(attempts.seen, [1, 2, 3, 1]);
      await until(async () => (await jobs.counts())[queue.name]?.completed === 1, 'it shows in the queue');
      assert.deepEqual(await jobs.failed(queue.name), []);
      await assert.rejects(jobs.retry(queue.name, 'print-1'), { status: 404 });
    });

    it('a job that is too big for the database is not tried again', async () => {
      const jobs = begin();
      const queue = jobs.define(definition(newName()));
      const attempts = collector<number>();
      queue.process(async (_payload, { attempt }) => {
        attempts.push(attempt);
        const cause = Object.assign(new Error('string is too long for tsvector'), { code: '54000' });
        throw new Error('Failed query', { cause });
      });
      await jobs.start();
      await queue.add({ text: 'a flood' });
      await until(async () => (await jobs.failed(queue.name)).length === 1, 'it shows in the queue');
      assert.deepEqual(attempts.seen, [1]);
    });

    it('a job id is stored once, also after it is done', async () => {
      const jobs = begin();
      const queue = jobs.define(definition(newName()));
      const ran = collector<string>();
      queue.process(async ({ text }) => ran.push(text));
      await queue.add({ text: 'first' }, { jobId: 'one' });
      await queue.add({ text: 'second' }, { jobId: 'one' });
      await jobs.start();
      await ran.reached(1);
      await until(async () => (await jobs.counts())[queue.name]?.completed === 1, 'it shows in the queue');
      await queue.add({ text: 'third' }, { jobId: 'one' });
      await queue.add({ text: 'last' });
      await ran.reached(2);
      assert.deepEqual(ran.seen, ['first', 'last']);
    });

    it('one job per key waits; one added during a run follows it', async () => {
      const jobs = begin();
      const queue = jobs.define(definition(newName()));
      const ran = collector<string>();
      const gate = Promise.withResolvers<void>();
      queue.process(async ({ text }) => {
        ran.push(text);
        if (ran.seen.length === 1) await gate.promise;
      });
      await queue.add({ text: 'a' }, { key: 'thread' });
      await queue.add({ text: 'b' }, { key: 'thread' });
      await jobs.start();
      await ran.reached(1);
      await queue.add({ text: 'c' }, { key: 'thread' });
      await queue.add({ text: 'd' }, { key: 'thread' });
      gate.resolve();
      await ran.reached(2);
      await until(async () => (await jobs.counts())[queue.name]?.completed === 2, 'it shows in the queue');
      await queue.add({ text: 'e' }, { key: 'thread' });
      await ran.reached(3);
      assert.deepEqual(ran.seen, ['a', 'd', 'e']);
    });

    it('a job that died does not keep its key', async () => {
      const jobs = begin();
      const queue = jobs.define({ ...definition(newName()), attempts: 1 });
      const ran = collector<string>();
      queue.process(async ({ text }) => {
        ran.push(text);
        if (text === 'bad') throw new Error('no');
      });
      await jobs.start();
      await queue.add({ text: 'bad' }, { key: 'thread' });
      await until(async () => (await jobs.failed(queue.name)).length === 1, 'it shows in the queue');
      await queue.add({ text: 'good' }, { key: 'thread' });
      await ran.reached(2);
      assert.deepEqual(ran.seen, ['bad', 'good']);
    });

    it('a lower priority number goes first', async () => {
      const jobs = begin();
      const queue = jobs.define({ ...definition(newName()), concurrency: 1 });
      const ran = collector<string>();
      queue.process(async ({ text }) => ran.push(text));
      await queue.add({ text: 'routine' }, { priority: 9 });
      await queue.add({ text: 'urgent' }, { priority: 1 });
      await jobs.start();
      await ran.reached(2);
      assert.deepEqual(ran.seen, ['urgent', 'routine']);
    });

    it('a schedule runs again and again, and there is one per queue', async () => {
      const jobs = begin();
      const queue = jobs.define(definition(newName()));
      const ran = collector<string>();
      queue.process(async ({ text }) => ran.push(text));
      await jobs.schedule(queue.name, { everyMs: 60_000 }, { text: 'slow' });
      await jobs.schedule(queue.name, { everyMs: 100 }, { text: 'tick' });
      await jobs.start();
      await ran.reached(3);
      assert.deepEqual([...new Set(ran.seen.slice(1))], ['tick']);
    });

    it('close waits for the running handler, which may still add a job for later', async () => {
      const jobs = begin();
      const queue = jobs.define(definition(newName()));
      const next = newName();
      // Asked for the first time by the handler: nothing of it was opened before.
      const late = jobs.define(definition(next));
      const started = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      let finished = false;
      queue.process(async () => {
        started.resolve();
        await gate.promise;
        await late.add({ text: 'later' });
        finished = true;
      });
      await jobs.start();
      await queue.add({ text: 'long' });
      await started.promise;
      const closed = jobs.close().then(() => finished);
      gate.resolve();
      assert.equal(await closed, true);
      const again = begin();
      again.define(definition(next));
      assert.equal((await again.counts())[next]?.waiting, 1);
      await assert.rejects(late.add({ text: 'too late' }), /closed/);
    });

    it('close goes on without a handler that never ends', async () => {
      const jobs = begin({ drainMs: 50 });
      const queue = jobs.define(definition(newName()));
      const started = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      queue.process(() => {
        started.resolve();
        return gate.promise;
      });
      await jobs.start();
      await queue.add({ text: 'endless' });
      await started.promise;
      await jobs.close();
      gate.resolve();
    });

    it('a job added before a restart runs after it', async () => {
      const name = newName();
      const first = begin();
      await first.define(definition(name)).add({ text: 'survivor' });
      await first.close();
      await server().data.reopen();
      const second = begin();
      const ran = collector<string>();
      second.define(definition(name)).process(async ({ text }) => ran.push(text));
      await second.start();
      await ran.reached(1);
      assert.deepEqual(ran.seen, ['survivor']);
    });
  });
}
