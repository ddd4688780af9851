import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Bot, Message } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { createMover, MoveError } from '../../placement/move.ts';
import type { Mover } from '../../placement/move.ts';
import { schemaOf } from '../../placement/own-schema.ts';
import { until } from '../app.ts';
import { assertGapless, history, saidBy } from '../talk.ts';
import { startLived } from './lived.ts';
import type { Lived } from './lived.ts';

/** A workspace in a schema of its own, by the front doors: everything is there, and nothing of it for others. */
describe('a workspace in a schema of its own', () => {
  let lived: Lived;
  let mover: Mover;
  let workspaceId: string;
  let schema: string;

  const rows: Lived['rows'] = (text) => lived.rows(text);
  const count = async (table: string): Promise<number> =>
    Number((await rows(`select count(*)::int as n from ${table} where workspace_id = '${workspaceId}'`))[0]?.['n']);

  before(async () => {
    lived = await startLived();
    const { app } = lived.test;
    mover = createMover({ database: app.database, announce: () => app.placements.reload() });
    workspaceId = lived.workspaceId;
    schema = schemaOf(workspaceId);
  });
  after(() => lived?.close());

  it('is not made for a workspace that is not there, nor where it is already', async () => {
    await assert.rejects(mover.move('00000000-0000-7000-8000-000000000000', 'schema'), MoveError);
    await assert.rejects(mover.move(workspaceId, 'shared'), MoveError);
    await assert.rejects(mover.undo(workspaceId), MoveError);
    await assert.rejects(mover.finish(workspaceId), MoveError);
    assert.deepEqual(await rows('select * from placements'), []);
  });

  it('takes everything along, and the shared tables refuse it from then on', async () => {
    const { test, earlier } = lived;
    const before = await history(test, earlier);
    const moved = await mover.move(workspaceId, 'schema');
    assert.ok(moved.rows > 0);
    assert.equal(moved.tables.find(({ name }) => name === 'messages')?.rows, before.length);
    assert.deepEqual(await history(test, earlier), before);
    assert.equal(await count(`${schema}.messages`), before.length);
    // A process that was asleep during the move believes it to be in the shared tables.
    const client = await test.app.database.pool.connect();
    const late = async (text: string): Promise<string> => {
      try {
        await client.query(`begin; select set_config('app.workspace_id', '${workspaceId}', true)`);
        await client.query(text);
        return 'it worked';
      } catch (error) {
        return error instanceof Error && 'code' in error ? String(error.code) : 'another error';
      } finally {
        await client.query('rollback');
      }
    };
    for (const text of [
      'select * from conversations',
      `update conversations set labels = '{late}'`,
      'delete from deliveries',
      `insert into contacts (id, workspace_id, name) values (gen_random_uuid(), '${workspaceId}', 'Late')`,
    ])
      assert.equal(await late(text), 'PY001', text);
    client.release();
    assert.deepEqual(
      await test.app.store.asSystem(async (tx) => (await tx.execute(sql`select id from threads`)).rows),
      [],
    );
  });

  it('receives, answers, hands over and searches', async () => {
    await lived.live();
    assert.equal((await lived.test.owner('GET', '/members')).status, 200);
  });

  it('is found by its lost work too', async () => {
    const { chat } = lived;
    // As a process leaves it that dies between storing and waking.
    await rows(`begin; select set_config('app.workspace_id', '${workspaceId}', true);
      insert into ${schema}.inbound_events (id, workspace_id, inbox_id, thread_key, platform_id, kind, payload, received_at)
      select gen_random_uuid(), workspace_id, inbox_id, thread_key, 'lost-1', kind,
        jsonb_set(jsonb_set(payload, '{messageId}', '"77777"'), '{text}', '"Do you ship to Finland?"'), now() - interval '1 minute'
      from ${schema}.inbound_events where kind = 'message' and inbox_id = '${chat.inbox.id}' order by seq desc limit 1; commit`);
    await until(async () => chat.heard(1).some((text) => /three days/.test(text)), 'the lost message is answered');
    await until(
      async () => (await rows(`select from ${schema}.outbox where relayed_at is null`)).length === 0,
      'its facts are relayed',
    );
  });

  it('is not there for another workspace, which lives on in the shared tables', async () => {
    const call = await lived.assertHidden();
    const made = await call<Bot>('POST', '/bots', { name: 'Theirs' });
    assert.equal(made.status, 201);
    assert.deepEqual(await rows(`select id from ${schema}.bots where id = '${made.data.id}'`), []);
    const tables = await rows(
      `select c.relname::text as name from pg_class c where c.relnamespace = '${schema}'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and c.relname <> 'schema_migrations'`,
    );
    assert.ok(tables.length >= 15);
    const client = await lived.test.app.database.pool.connect();
    try {
      for (const { name } of tables) {
        for (const as of ['', '00000000-0000-7000-8000-000000000000']) {
          await client.query(`begin; select set_config('app.workspace_id', '${as}', true)`);
          const seen = await client.query(`select 1 from ${schema}.${String(name)}`);
          await client.query('commit');
          assert.equal(seen.rows.length, 0, `${String(name)} is seen by ${as || 'nobody'}`);
        }
      }
    } finally {
      client.release();
    }
  });

  it('moves back with what was said meanwhile, and can be moved again', async () => {
    const { test, earlier } = lived;
    const before = await history(test, earlier);
    const back = await mover.move(workspaceId, 'shared');
    assert.ok(back.rows < back.tables.reduce((sum, { rows: n }) => sum + n, 0), 'only what changed is copied');
    assert.deepEqual(await history(test, earlier), before);
    await lived.ask();
    assert.equal(saidBy(await history(test, earlier), 'contact').length, saidBy(before, 'contact').length + 1);
    assertGapless(await history(test, earlier));
    await mover.move(workspaceId, 'schema');
    await assert.rejects(mover.move(workspaceId, 'database', 'postgres://elsewhere'), /kept in shared/);
    await mover.finish(workspaceId);
    assert.equal(await count('public.messages'), 0);
    await mover.move(workspaceId, 'shared');
    await mover.finish(workspaceId);
    assert.deepEqual(await rows('select * from placements'), []);
    assert.deepEqual(await rows(`select from pg_namespace where nspname = '${schema}'`), []);
    assertGapless(await history(test, earlier));
    const { data } = await test.owner<Message[]>('GET', `/conversations/${earlier}/messages?limit=100`);
    assert.equal(data.length, (await history(test, earlier)).length);
  });
});
