import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startTestApp, until } from './test/app.ts';
import { stays } from './test/stays.ts';
import { freePort, startParley } from './test/process.ts';
import { startProxy } from './test/proxy.ts';
import { createDatabase, SECRETS } from './test/servers.ts';

/** What a start says that ends before it is ready, and with which code. */
async function failedStart(env: Record<string, string>): Promise<{ code: number; lines: string[] }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-outage-'));
  try {
    const parley = await startParley({ DATA_DIR: dataDir, PORT: '0', PARLEY_DEMO: '0', LOG_LEVEL: 'info', ...env });
    await parley.end('SIGKILL');
    throw new Error('it started');
  } catch (error) {
    const [head = '', ...said] = error instanceof Error ? error.message.split('\n') : [];
    const code = Number(/^ended with (\d+) before/.exec(head)?.[1] ?? Number.NaN);
    return { code, lines: said.filter((line) => line.trim() !== '') };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

describe('a start without what it was told to use', () => {
  it('says in one line that REDIS_URL cannot be used, and ends', async () => {
    const { code, lines } = await failedStart({ REDIS_URL: `redis://:hunter2@127.0.0.1:${await freePort()}` });
    assert.equal(code, 1);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(
      lines[0] ?? '',
      /^REDIS_URL takes the address of a Redis or Valkey server that can be used: .*REFUSED/,
    );
    assert.doesNotMatch(lines.join(), /hunter2/);
  });

  it('says in one line that DATABASE_URL cannot be used, and ends', async () => {
    const url = `postgres://parley:hunter2@127.0.0.1:${await freePort()}/parley`;
    const { code, lines } = await failedStart({ DATABASE_URL: url, ...SECRETS });
    assert.equal(code, 1);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0] ?? '', /^DATABASE_URL takes the address of a PostgreSQL server that can be used: /);
    assert.doesNotMatch(lines.join(), /hunter2/);
  });
});

const { TEST_DATABASE_URL: databaseUrl, TEST_REDIS_URL: redisUrl } = process.env;

type Line = { level: string; msg: string };
const loud = new Set(['warn', 'error', 'fatal']);

/** Cuts what the app is connected to for some seconds, and returns what the log said about it. */
async function outage(target: string, env: (url: string) => Record<string, string>) {
  const proxy = await startProxy(target);
  const lines: Line[] = [];
  const test = await startTestApp(
    { LOG_LEVEL: 'info', ...env(proxy.url) },
    { pace: { lookEveryMs: 50 }, writeLog: (line) => void lines.push(JSON.parse(line)) },
  );
  const health = async () => {
    const [ready, all] = await Promise.all([fetch(`${test.url}/health/ready`), fetch(`${test.url}/health`)]);
    return { ready: ready.status, all: (await all.json()) as { dependencies: Record<string, { status: string }> } };
  };
  const from = lines.length;
  proxy.cut();
  const complaints = () => lines.slice(from).filter(({ level }) => loud.has(level)).length;
  await until(async () => complaints() > 0, 'somebody notices');
  const isDown = async () => Object.values((await health()).all.dependencies).some(({ status }) => status === 'down');
  await until(isDown, 'health says so');
  await stays(
    () => complaints() === 1,
    'it is told once',
    2_200,
    'placements, dead jobs and members are looked for every 2 s',
  );
  const during = { ...(await health()), list: await test.owner('GET', '/bots') };
  proxy.mend();
  await until(async () => lines.slice(from).some(({ msg }) => msg.endsWith('is back')), 'the end is told');
  await until(async () => (await health()).ready === 200, 'it is ready again');
  const ends = () => lines.slice(from).filter(({ msg }) => msg.endsWith('is back')).length;
  await stays(() => complaints() === 1 && ends() === 1, 'the end is told once', 500);
  await test.close();
  await proxy.close();
  const said = lines.slice(from);
  return { during, loud: said.filter(({ level }) => loud.has(level)), said: said.map(({ msg }) => msg) };
}

if (redisUrl) {
  describe('Redis goes away for some seconds', () => {
    it('is told in one line, its end in another; the process stays in the traffic', async () => {
      const { during, loud: complaints, said } = await outage(redisUrl, (url) => ({ REDIS_URL: url }));
      assert.deepEqual(
        complaints.map(({ msg }) => msg.split(':')[0]),
        ['Redis is away'],
      );
      assert.equal(said.filter((msg) => msg === 'Redis is back').length, 1);
      assert.equal(during.ready, 200);
      assert.equal(during.all.dependencies['redis']?.status, 'down');
    });
  });
}

if (databaseUrl) {
  describe('the database goes away for some seconds', () => {
    it('is told in one line, its end in another; the process leaves the traffic meanwhile', async () => {
      const own = await createDatabase(databaseUrl, 'outage');
      try {
        const { during, loud: complaints, said } = await outage(own.url, (url) => ({ DATABASE_URL: url, ...SECRETS }));
        assert.deepEqual(
          complaints.map(({ msg }) => msg.split(':')[0]),
          ['the database is away'],
        );
        assert.equal(said.filter((msg) => msg === 'the database is back').length, 1);
        assert.equal(during.ready, 503);
        assert.deepEqual([during.list.status, during.list.headers.get('retry-after')], [503, '5']);
      } finally {
        await own.drop();
      }
    });
  });
}
