import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { Client } from 'pg';
import { createKeyring } from '../../platform/security/crypto.ts';
import { newId } from '../../platform/data/ids.ts';
import { recordFacts } from '../../platform/facts/record.ts';
import { createMover } from '../../placement/move.ts';
import { startTestApp, until } from '../app.ts';
import { stays } from '../stays.ts';
import { things } from '../facts.ts';
import type { Call, TestApp } from '../app.ts';
import { startProxy } from '../proxy.ts';
import type { Proxy } from '../proxy.ts';

const server = process.env.TEST_DATABASE_URL;

const LOOK_EVERY_MS = 50;

type Line = { level: string; msg: string };
type Health = { status: string; dependencies: Record<string, { status: string; needed: boolean }> };

/** What is the trouble of one workspace alone stays its own. */
describe('the database of a workspace’s own is away', { skip: server ? false : 'needs TEST_DATABASE_URL' }, () => {
  let test: TestApp;
  let cable: Proxy;
  let theirs: Call;
  let workspaceId: string;
  const lines: Line[] = [];
  const name = `parley_test_away_${randomBytes(6).toString('hex')}`;

  async function administer(statement: string): Promise<void> {
    const client = new Client({ connectionString: server });
    await client.connect();
    await client.query(statement);
    await client.end();
  }
  const told = (words: string): Line[] =>
    lines.filter(({ msg }) => msg.includes(words) && (msg.includes(workspaceId) || words.includes('workspace')));
  const health = async (): Promise<Health> => (await (await fetch(`${test.url}/health`)).json()) as Health;
  const metrics = async (): Promise<string> => (await fetch(`${test.url}/metrics`)).text();

  before(async () => {
    const address = new URL(server ?? '');
    address.pathname = `/${name}`;
    await administer(`create database ${name}`);
    cable = await startProxy(address.href);
    test = await startTestApp(
      { LOG_LEVEL: 'info' },
      { pace: { lookEveryMs: LOOK_EVERY_MS }, writeLog: (line) => void lines.push(JSON.parse(line)) },
    );
    theirs = (await test.stranger()).call;
    const me = await theirs<{ workspace: { id: string } }>('GET', '/me');
    workspaceId = me.data.workspace.id;
    const mover = createMover({
      database: test.app.database,
      keyring: createKeyring(test.app.config),
      announce: () => test.app.placements.reload(),
    });
    await mover.move(workspaceId, 'database', cable.url);
    assert.equal((await theirs('GET', '/bots')).status, 200);
  });
  after(async () => {
    await test?.close();
    await cable?.close();
    await administer(`drop database if exists ${name} with (force)`);
  });

  it('says nothing: what waits elsewhere is found and handed on all the same', async () => {
    const own = (await test.owner<{ workspace: { id: string } }>('GET', '/me')).data.workspace.id;
    const store = (): Promise<string> =>
      test.app.store.inWorkspace(own, async (tx) => {
        const subjectId = newId();
        await recordFacts(tx, [things.make('thing.happened', { workspaceId: own, subjectId, payload: { count: 1 } })]);
        return subjectId;
      });
    const isRelayed = async (subjectId: string): Promise<boolean> => {
      const { rows } = await test.app.store.asSystem((tx) =>
        tx.execute(sql`select from outbox where subject_id = ${subjectId} and relayed_at is not null`),
      );
      return rows.length > 0;
    };
    cable.silence();
    // Nobody wakes for any of them. From the second on they come when the looks at the silent database are under way.
    for (let count = 0; count < 5; count += 1) {
      const subjectId = await store();
      await until(() => isRelayed(subjectId), 'it is handed on');
    }
    cable.mend();
    await until(async () => (await theirs('GET', '/bots')).status === 200, 'it is answered again', 30_000);
    await until(async () => (await health()).status === 'up', 'health says so', 30_000);
    lines.length = 0;
  });

  it('is told once, answers 503 at once, and shows in health; the figures of the others go on', async () => {
    cable.cut();
    await until(async () => told('is away').length > 0, 'it is told');
    const refused = await theirs('GET', '/bots');
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '15']);
    assert.equal((await test.owner('GET', '/bots')).status, 200);
    await until(async () => (await health()).status === 'degraded', 'health says so');
    assert.deepEqual((await health()).dependencies['placements'], { status: 'down', needed: false });
    await until(
      async () => /^parley_backlog\{kind="events"\} 0$/m.test(await metrics()),
      'what waits is counted',
      15_000,
    );
    // What is changed about its people is shared, done, and copied to it later.
    const invited = await theirs('POST', '/members/invite', { email: 'new@other.test', role: 'agent' });
    assert.equal(invited.status, 201, JSON.stringify(invited.error));
    await stays(() => told('is away').length === 1, 'it is told once', 10 * LOOK_EVERY_MS);
    assert.deepEqual(
      lines.filter(({ level }) => level === 'error').map((line) => JSON.stringify(line)),
      [],
    );
  });

  it('does not keep Parley from starting; it is let in when it is back', async () => {
    await test.restart();
    assert.equal((await test.owner('GET', '/bots')).status, 200);
    assert.equal((await theirs('GET', '/bots')).status, 503);
    cable.mend();
    await until(async () => (await theirs('GET', '/bots')).status === 200, 'it is answered again', 30_000);
    await until(async () => (await health()).status === 'up', 'health says so');
    assert.deepEqual(
      lines.filter(({ msg }) => /of a workspace is back/.test(msg)).map(({ level }) => level),
      ['info'],
    );
  });
});
