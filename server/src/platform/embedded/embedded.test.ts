import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { until } from '../../test/until.ts';
import { createLogger } from '../telemetry/log.ts';
import { openDatabase } from '../data/index.ts';
import { lockFolder } from '../data/lock.ts';

/** The embedded database across processes: what a kill, a second start and a crash of its thread do. */

const root = mkdtempSync(join(tmpdir(), 'parley-embedded-'));
after(() => rmSync(root, { recursive: true, force: true }));
const log = createLogger({ level: 'silent' });

const migrations = mkdtempSync(join(root, 'migrations-'));
writeFileSync(
  join(migrations, '0001_notes.sql'),
  'create extension vector; create table notes (id int primary key, place vector(2)); grant all on notes to parley_app;',
);
const folder = () => mkdtempSync(join(root, 'data-'));
const open = (dataDir: string) => openDatabase({ dataDir, database: { replicaUrls: [] } }, log, migrations);

/** Runs `body` (which has `database`) in a process of its own; `said` resolves with its first line. */
const elsewhere = (dataDir: string, body: string) => {
  const program = `
    const workers = [];
    process.on('worker', (worker) => workers.push(worker));
    const { openDatabase } = await import(${JSON.stringify(new URL('../data/index.ts', import.meta.url).href)});
    const { createLogger } = await import(${JSON.stringify(new URL('../telemetry/log.ts', import.meta.url).href)});
    const database = await openDatabase({ dataDir: ${JSON.stringify(dataDir)}, database: { replicaUrls: [] } },
      createLogger({ level: 'fatal' }), ${JSON.stringify(migrations)});
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { out: '', error: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.error += text));
  const ended = once(child, 'close').then(() => ({ ...output, code: child.exitCode, signal: child.signalCode }));
  const said = Promise.race([once(child.stdout, 'data'), ended]).then(() => output.out.split('\n')[0]);
  return { child, said, ended };
};

const count = async (dataDir: string): Promise<unknown> => {
  const database = await open(dataDir);
  const { rows } = await database.pool.query('select count(*)::int as n from notes');
  await database.close();
  return rows[0]?.n;
};

test('a second process is refused in one line while the first lives, and not after it', async () => {
  const dataDir = folder();
  const first = await open(dataDir);
  const second = await elsewhere(dataDir, '').ended;
  assert.notEqual(second.code, 0);
  assert.match(second.error, /FolderInUseError: DATA_DIR .* is in use by another running Parley/);
  await first.pool.query("insert into notes values (1, '[1,2]')");
  await first.close();
  assert.equal(await count(dataDir), 1);
});

test('kill -9 loses no answered write, and what it leaves behind does not stop the next start', async () => {
  const dataDir = folder();
  const { child, said, ended } = elsewhere(
    dataDir,
    `for (let id = 0; id < 500; id++) await database.pool.query("insert into notes values ($1, '[1,2]')", [id]);
     console.log('written');
     await database.pool.query('begin'); await database.pool.query("insert into notes values (1000, '[1,2]')");
     setInterval(() => {}, 1000);`,
  );
  assert.equal(await said, 'written');
  child.kill('SIGKILL');
  assert.equal((await ended).signal, 'SIGKILL');
  assert.ok(existsSync(join(dataDir, 'in-use.sock')));
  assert.equal(await count(dataDir), 500);
});

test('a kill during the very first start does not stop the next one', async () => {
  const dataDir = folder();
  const { child, ended } = elsewhere(dataDir, '');
  await until(async () => existsSync(join(dataDir, 'database.new', 'PG_VERSION')), 'it makes the files', 120_000);
  child.kill('SIGKILL');
  await ended;
  assert.equal(existsSync(join(dataDir, 'database')), false);
  assert.equal(await count(dataDir), 0);
});

test('a stop by signal that closes leaves a folder that opens again', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const dataDir = folder();
    const { child, said, ended } = elsewhere(
      dataDir,
      `process.once(${JSON.stringify(signal)}, () => database.close());
       await database.pool.query("insert into notes values (1, '[1,2]')");
       console.log('written');`,
    );
    assert.equal(await said, 'written');
    child.kill(signal);
    assert.equal((await ended).code, 0);
    assert.equal(existsSync(join(dataDir, 'in-use.sock')), false);
    assert.equal(await count(dataDir), 1);
  }
});

test('when the thread of the database dies, the process says so and ends with an error', async () => {
  const dataDir = folder();
  const { ended } = elsewhere(
    dataDir,
    `for (const worker of workers) await worker.terminate();
     setInterval(() => {}, 1000);`,
  );
  const { code, out, error } = await ended;
  assert.notEqual(code, 0);
  assert.match(out, /"level":"fatal".*embedded database stopped/);
  assert.match(error, /embedded database stopped/);
});

test('a lock is refused while held, taken over when stale, free after release', async () => {
  const held = folder();
  const lock = await lockFolder(held);
  await assert.rejects(lockFolder(held), /in use/);
  await lock.release();
  await (await lockFolder(held)).release();

  const stale = folder();
  writeFileSync(join(stale, 'in-use.sock'), '');
  await (await lockFolder(stale)).release();
});

test('of several that start together on a stale lock, one gets it', async () => {
  const dataDir = folder();
  writeFileSync(join(dataDir, 'in-use.sock'), '');
  const tries = await Promise.allSettled(Array.from({ length: 5 }, () => lockFolder(dataDir)));
  const won = tries.filter((result) => result.status === 'fulfilled');
  assert.ok(won.length <= 1);
  for (const { value } of won) await value.release();
});

test('a lock held by a process that does not answer is still a lock', async () => {
  const dataDir = folder();
  const silent = createServer(() => {});
  await once(silent.listen(join(dataDir, 'in-use.sock')), 'listening');
  await assert.rejects(lockFolder(dataDir), /in use/);
  silent.close();
});
