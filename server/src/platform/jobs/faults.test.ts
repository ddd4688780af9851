import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { until } from '../../test/app.ts';
import { collector, definition, jobServers, newName, onServer } from '../../test/job-backends.ts';

/** What is left of work when a process dies or everything the jobs keep is gone. */

const here = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);

/** A process that takes one job and never ends it. */
const HOLDER = `
const { openDatabase } = await import(${here('../data/index.ts')});
const { createJobs } = await import(${here('./jobs.ts')});
const { createLogger } = await import(${here('../telemetry/log.ts')});
const { definition } = await import(${here('../../test/job-backends.ts')});
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
    const { begin, server } = onServer(kind);

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
  });
}
