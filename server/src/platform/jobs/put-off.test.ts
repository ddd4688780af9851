import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../test/app.ts';
import { collector, definition, jobServers, newName, onServer } from '../../test/job-backends.ts';
import { tooMany } from '../errors.ts';

/** A failure that says when to try again costs no attempt; any other does. */

for (const kind of jobServers) {
  describe(`jobs put off in ${kind.name}`, () => {
    const { begin } = onServer(kind);

    const failing = async (name: string, failures: Error[], askDatabase = () => Promise.resolve()) => {
      const jobs = begin({ askDatabase });
      const attempts = collector<number>();
      const dead = collector<string>();
      const queue = jobs.define({ ...definition(name), attempts: 1 });
      queue.process(
        async (_payload, { attempt }) => {
          attempts.push(attempt);
          const failure = failures.shift();
          if (failure) throw failure;
        },
        async (_payload, error) => dead.push(error),
      );
      await jobs.start();
      await queue.add({ text: 'hello' });
      return { jobs, attempts, dead };
    };

    it('a failure that names no time uses an attempt up: with one attempt the job is dead', async () => {
      const name = newName();
      const { jobs, attempts, dead } = await failing(name, [new Error('broken')]);
      await dead.reached(1);
      assert.deepEqual(attempts.seen, [1]);
      assert.equal((await jobs.state(name)).counts.failed, 1);
    });

    it('one that names it waits that long and runs again, also when it hides in a cause', async () => {
      const name = newName();
      const { jobs, attempts, dead } = await failing(name, [
        tooMany(1),
        new Error('the file could not be had', { cause: tooMany(1) }),
      ]);
      const started = Date.now();
      await attempts.reached(3);
      assert.ok(Date.now() - started >= 1_900, 'it waited twice');
      assert.deepEqual(attempts.seen, [1, 1, 1], 'and none of it counted');
      await until(async () => (await jobs.state(name)).counts.active === 0, 'the job ended');
      assert.equal((await jobs.state(name)).counts.failed, 0);
      assert.deepEqual(dead.seen, []);
    });

    it('a lost connection is put off while the database is away, and an attempt like any other while it is there', async () => {
      const lost = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      const looks = [true, false];
      const { attempts, dead } = await failing(newName(), [lost(), new Error('query', { cause: lost() })], async () => {
        if (looks.shift()) throw lost();
      });
      await dead.reached(1);
      assert.deepEqual(attempts.seen, [1, 1]);
      assert.deepEqual(looks, []);
    });

    it('after one that was put off a plain failure is the first attempt', async () => {
      const name = newName();
      const { attempts, dead } = await failing(name, [tooMany(1), new Error('broken')]);
      await dead.reached(1);
      assert.deepEqual(attempts.seen, [1, 1]);
    });
  });
}
