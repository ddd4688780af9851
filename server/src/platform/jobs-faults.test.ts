import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { queues } from '../queues.ts';
import { until } from '../test/app.ts';
import { collector, definition, jobServers, newName, onServer } from '../test/job-backends.ts';
import { newId } from './ids.ts';
import type { Jobs } from './jobs.ts';
import { createLogger } from './log.ts';
import { createRelay, recordFacts } from './outbox.ts';
import type { RelayedFact } from './outbox.ts';
import { createStore } from './tenant.ts';
import { createWake } from './wake.ts';

/** What is left of work when a process dies or everything the jobs keep is gone. */

const log = createLogger({ level: 'silent' });
const here = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);

/** A process that takes one job and never ends it. */
const HOLDER = `
const { openDatabase } = await import(${here('./db/index.ts')});
const { createJobs } = await import(${here('./jobs.ts')});
const { createLogger } = await import(${here('./log.ts')});
const { definition } = await import(${here('../test/job-backends.ts')});
const { config, redis, name } = JSON.parse(process.argv[1]);
const log = createLogger({ level: 'silent' });
const database = await openDatabase(config, log);
const jobs = createJobs({ redis, database, log });
const queue = jobs.define(definition(name));
queue.process(() => new Promise(() => console.log('holding')));
await jobs.start();
await queue.add({ text: 'survivor' });
setInterval(() => undefined, 1_000);
`;

async function said(child: ChildProcess, word: string): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const read = (piece: Buffer): void => {
      text += piece.toString('utf8');
      if (text.includes(word)) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(`it ended: ${text}`)));
  });
}

for (const kind of jobServers) {
  describe(`jobs in ${kind.name} when things break`, () => {
    const { begin, open, server } = onServer(kind);

    it('kill -9 in the middle of a job: another process runs it', async () => {
      const name = newName();
      // The embedded database serves one process.
      const isEmbedded = server().data.database.kind === 'embedded';
      if (isEmbedded) await server().data.stop();
      const given = JSON.stringify({ config: server().data.config, redis: server().redis, name });
      const child = spawn(process.execPath, ['--input-type=module', '--eval', HOLDER, given], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      await said(child, 'holding');
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      if (isEmbedded) await server().data.reopen();
      const jobs = begin();
      const ran = collector<string>();
      jobs.define(definition(name)).process(async ({ text }) => ran.push(text));
      await jobs.start();
      await ran.reached(1);
      assert.deepEqual(ran.seen, ['survivor']);
      await until(async () => (await jobs.state(name)).counts.completed === 1, 'it is done');
      assert.deepEqual(await jobs.failed(name), []);
    });

    it('everything the jobs keep is gone: a schedule is made again', async () => {
      const jobs = begin({ lookMs: 50 });
      const queue = jobs.define(definition(newName()));
      const ran = collector<string>();
      queue.process(async ({ text }) => ran.push(text));
      await jobs.schedule(queue.name, { everyMs: 100 }, { text: 'tick' });
      await jobs.start();
      await ran.reached(1);
      await server().wipe();
      await ran.reached(ran.seen.length + 3);
    });

    it('everything the jobs keep is gone: a fact nobody dealt with comes again, and no other', async () => {
      const store = createStore(server().data.database);
      const workspaceId = newId();
      const makeRelay = (jobs: Jobs) => {
        const queue = jobs.define(queues.facts);
        const relay = createRelay({
          store,
          wake: createWake(),
          log,
          wanted: async ({ type }) => type === 'thing.happened',
          hand: (fact) => queue.add(fact, { jobId: fact.id }),
        });
        open.push(relay);
        return { queue, relay };
      };
      const rows = () =>
        store.once<{ id: string; relayed: boolean; handled: boolean; error: string | null }>(
          workspaceId,
          sql`select subject_id::text as id, relayed_at is not null as relayed, handled_at is not null as handled, error
              from outbox order by seq`,
        );
      const age = () => store.once(workspaceId, sql`update outbox set relayed_at = relayed_at - interval '2 minutes'`);
      const fact = (type: string) => ({ workspaceId, type, subjectId: newId() });
      const [kept, poison, idle] = [fact('thing.happened'), fact('thing.happened'), fact('thing.nobody_minds')];
      await store.inWorkspace(workspaceId, (tx) => recordFacts(tx, [kept, poison, idle]));

      // Handed over, but whoever should deal with them has not come yet.
      const first = makeRelay(begin());
      await first.relay.relay();
      assert.deepEqual(
        (await rows()).map(({ relayed, handled }) => [relayed, handled]),
        [
          [true, false],
          [true, false],
          [true, true],
        ],
      );
      await first.relay.again();
      await server().wipe();
      await age();

      const jobs = begin();
      const { queue, relay } = makeRelay(jobs);
      const ran = collector<RelayedFact>();
      queue.process(async (given) => {
        ran.push(given);
        if (given.subjectId === poison.subjectId) throw new Error('it cannot be dealt with');
        await relay.handled(given);
      }, relay.handled);
      await jobs.start();
      await relay.again();
      await until(async () => (await rows()).every(({ handled }) => handled), 'all are dealt with or given up');
      const ended = await rows();
      assert.deepEqual(
        ended.map(({ error }) => error),
        [null, 'it cannot be dealt with', null],
      );
      assert.equal(ran.seen.filter(({ subjectId }) => subjectId === kept.subjectId).length, 1);
      assert.ok(!ran.seen.some(({ subjectId }) => subjectId === idle.subjectId));

      const before = ran.seen.length;
      await age();
      await relay.again();
      assert.deepEqual(
        (await rows()).map(({ relayed }) => relayed),
        [true, true, true],
      );
      assert.equal((await jobs.state(queue.name)).counts.waiting, 0);
      assert.equal(ran.seen.length, before);
    });
  });
}
