import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Member } from '@parley/contract';
import { createKeyring } from '../../platform/security/crypto.ts';
import { createPartitionKeeper } from '../../platform/data/partitions.ts';
import { createLogger } from '../../platform/telemetry/log.ts';
import { createMetrics } from '../../platform/telemetry/metrics.ts';
import { createMover, MoveError } from '../../placement/move.ts';
import type { Mover } from '../../placement/move.ts';
import { ownDatabases } from '../../placement/own-database.ts';
import { until } from '../app.ts';
import { join } from '../security/world.ts';
import { createDatabase } from '../servers.ts';
import type { OwnDatabase } from '../servers.ts';
import { assertGapless, history } from '../talk.ts';
import { startLived } from './lived.ts';
import type { Lived } from './lived.ts';

const server = process.env.TEST_DATABASE_URL;

/** A workspace in a database of its own: the same doors, and nothing of it left where others are. */
describe('a workspace in a database of its own', () => {
  let lived: Lived;
  let mover: Mover;
  let own: OwnDatabase | undefined;
  const address = (): string => own?.url ?? 'postgres://nowhere/parley';
  const rows: Lived['rows'] = (text) => lived.rows(text);
  const ownRows: Lived['rows'] = (text) => lived.rows(text, address());

  before(async () => {
    lived = await startLived();
    if (server) own = await createDatabase(server, 'own');
    const { app } = lived.test;
    const keyring = createKeyring(app.config);
    mover = createMover({ database: app.database, keyring, announce: () => app.placements.reload() });
  });
  after(async () => {
    await lived?.close();
    await own?.drop();
  });

  if (!server) {
    it('needs a server', async () => {
      await assert.rejects(mover.move(lived.workspaceId, 'database', address()), MoveError);
      assert.deepEqual(await rows('select * from placements'), []);
    });
    return;
  }

  it('is not made in the shared database, nor without an address', async () => {
    const shared = new URL(address());
    shared.pathname = `/${String((await rows('select current_database() as name'))[0]?.['name'])}`;
    const { workspaceId } = lived;
    await assert.rejects(mover.move(workspaceId, 'database', shared.href), /that of the shared database/);
    await assert.rejects(mover.move(workspaceId, 'database'), /address .* is missing/);
    assert.deepEqual(await rows('select * from placements'), []);
  });

  it('takes everything along, its address sealed, no password with it', async () => {
    const { test, earlier, workspaceId } = lived;
    const before = await history(test, earlier);
    const moved = await mover.move(workspaceId, 'database', address());
    assert.equal(moved.tables.find(({ name: table }) => table === 'messages')?.rows, before.length);
    assert.deepEqual(await history(test, earlier), before);
    assert.equal((await ownRows('select from messages')).length, before.length);
    const [row] = await rows('select address from placements');
    assert.doesNotMatch(String(row?.['address']), /postgres|parley_own/);
    assert.deepEqual(await ownRows('select from users where password_hash is not null'), []);
    assert.equal((await ownRows('select from users')).length, 1);
  });

  it('receives, answers, hands over and searches; a new inbox and a new colleague are there at once', async () => {
    const { test, workspaceId } = lived;
    const conversationId = await lived.live();
    await join(test, test.owner, 'colleague@acme.test', 'agent');
    const colleague = (await test.owner<Member[]>('GET', '/members')).data.find(
      ({ email }) => email === 'colleague@acme.test',
    );
    await until(async () => {
      const assigned = await test.owner('POST', `/conversations/${conversationId}/assign`, {
        agentId: colleague?.userId,
      });
      return assigned.status === 200;
    }, 'the colleague can be given a conversation');
    const renamed = await test.owner('PATCH', `/workspaces/${workspaceId}`, { name: 'Acme and Sons' });
    assert.equal(renamed.status, 200);
    assert.deepEqual(await ownRows('select name from workspaces'), [{ name: 'Acme and Sons' }]);
    assert.deepEqual(await rows(`select from conversations where id = '${conversationId}'`), []);
  });

  it('is not there for another workspace, and takes no second one in', async () => {
    const { workspaceId } = lived;
    await lived.assertHidden();
    const [theirs] = await rows(`select id from workspaces where id <> '${workspaceId}' limit 1`);
    await assert.rejects(mover.move(String(theirs?.['id']), 'database', address()), /another workspace lives in/);
    const forced =
      await ownRows(`select c.relname::text as name from pg_class c where c.relnamespace = 'public'::regnamespace
      and c.relkind in ('r', 'p') and not c.relispartition and not c.relforcerowsecurity
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id')`);
    assert.deepEqual(forced, []);
  });

  it('gets its coming months like everybody, also beside one that is away', async () => {
    const { database, placements, config } = lived.test.app;
    const keyring = createKeyring(config);
    const keeper = (elsewhere: () => Map<string, string>) =>
      createPartitionKeeper({
        database,
        log: createLogger({ level: 'silent' }),
        metrics: createMetrics({ defaults: false }),
        tables: ['messages', 'inbound_events', 'traces'],
        retention: undefined,
        elsewhere,
      });
    const months = async () => (await ownRows(`select from pg_inherits where inhparent = 'messages'::regclass`)).length;
    const before = await months();
    const now = new Date();
    const later = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 2, 10));
    const away = (): Map<string, string> =>
      new Map([['nobody', 'postgres://nobody@127.0.0.1:1/nothing'], ...ownDatabases(placements, keyring)]);
    await assert.rejects(keeper(away).look(later), /could not be looked at/);
    assert.equal(await months(), before + 2);
    const { made } = await keeper(() => ownDatabases(placements, keyring)).look(later);
    assert.deepEqual(made, []);
  });

  it('moves back with what was said meanwhile', async () => {
    const { test, earlier, workspaceId } = lived;
    const before = await history(test, earlier);
    await mover.move(workspaceId, 'shared');
    assert.deepEqual(await history(test, earlier), before);
    await lived.ask();
    assertGapless(await history(test, earlier));
    const late =
      ownRows(`begin; set local role parley_app; select set_config('app.workspace_id', '${workspaceId}', true);
      update bots set name = 'late'; commit`);
    await assert.rejects(late, { code: 'PY001' });
    await mover.finish(workspaceId);
    assert.deepEqual(await ownRows('select from messages'), []);
    assert.deepEqual(await rows('select * from placements'), []);
  });
});
