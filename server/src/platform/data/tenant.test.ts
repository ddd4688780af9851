import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { createTestDatabase } from '../../test/database.ts';
import type { TestDatabase } from '../../test/database.ts';
import { newId } from './ids.ts';
import { createStore } from './tenant.ts';
import type { Store, Tx } from './tenant.ts';

/** Workspaces do not see each other: on the embedded database, and on DATABASE_URL when it is set. */

let data: TestDatabase;
let store: Store;
const ours = newId();
const theirs = newId();

before(async () => {
  data = await createTestDatabase();
  store = createStore(data.database);
  await data.database.asOwner((client) =>
    client.query(`
      create table notes (id uuid primary key, workspace_id uuid not null, text text not null);
      alter table notes enable row level security;
      alter table notes force row level security;
      create policy tenant on notes to parley_app
        using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
      create policy system on notes to parley_system using (true);
      grant select, insert, update, delete on notes to parley_app;
      grant select (id, workspace_id) on notes to parley_system`),
  );
});
beforeEach(async () => {
  for (const workspace of [ours, theirs])
    await store.inWorkspace(workspace, (tx) => tx.execute(sql`delete from notes`));
});
after(() => data.remove());

const write = (tx: Pick<Tx, 'execute'>, workspace: string, text: string) =>
  tx.execute(sql`insert into notes values (${newId()}, ${workspace}, ${text})`);
/** PostgreSQL refused it: insufficient privilege, row-level security included. Drizzle wraps the error. */
const refused = (error: Error): boolean =>
  error.cause instanceof Error && 'code' in error.cause && error.cause.code === '42501';
const read = async (tx: Tx): Promise<unknown[]> =>
  (await tx.execute<{ text: string }>(sql`select text from notes order by text`)).rows.map(({ text }) => text);

test('a workspace that is no uuid is refused before anything is sent', async () => {
  const before = store.statementCount();
  for (const wrong of ['', 'x', `${ours}'; drop table notes; --`, `${ours}\n`, ours.slice(1)]) {
    await assert.rejects(
      store.inWorkspace(wrong, async () => assert.fail('it ran')),
      TypeError,
    );
  }
  assert.equal(store.statementCount(), before);
});

test("another workspace's rows cannot be read, changed or deleted", async () => {
  await store.inWorkspace(theirs, (tx) => write(tx, theirs, 'secret'));
  await store.inWorkspace(ours, async (tx) => {
    assert.deepEqual(await read(tx), []);
    assert.equal((await tx.execute(sql`update notes set text = 'mine'`)).rowCount, 0);
    assert.equal((await tx.execute(sql`delete from notes`)).rowCount, 0);
  });
  assert.deepEqual(await store.inWorkspace(theirs, read), ['secret']);
});

test('a row cannot be written into or moved to another workspace', async () => {
  await assert.rejects(
    store.inWorkspace(ours, (tx) => write(tx, theirs, 'planted')),
    refused,
  );
  await store.inWorkspace(ours, (tx) => write(tx, ours, 'moving'));
  await assert.rejects(
    store.inWorkspace(ours, (tx) => tx.execute(sql`update notes set workspace_id = ${theirs}`)),
    refused,
  );
  assert.deepEqual(await store.inWorkspace(theirs, read), []);
});

test('without a workspace nothing is seen, and nothing can be written', async () => {
  await store.inWorkspace(ours, (tx) => write(tx, ours, 'a'));
  assert.deepEqual(await store.statement('select * from notes', []), []);
  await assert.rejects(store.statement('insert into notes values ($1, $2, $3)', [newId(), ours, 'b']), {
    code: '42501',
  });
});

test('one statement can set its workspace and write in it, and nothing of it stays', async () => {
  const text = `with c as materialized (select set_config('app.workspace_id', $1, true)::uuid as w)
    insert into notes select $2::uuid, c.w, $3 from c returning text`;
  assert.deepEqual(await store.statement(text, [ours, newId(), 'hot']), [{ text: 'hot' }]);
  assert.deepEqual(await store.statement('select * from notes', []), []);
  assert.deepEqual(await store.inWorkspace(ours, read), ['hot']);
});

test('200 interleaved transactions keep to their workspaces, with bare statements in between', async () => {
  const workspaces = Array.from({ length: 20 }, () => newId());
  const results = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const workspace = workspaces[index % workspaces.length] ?? ours;
      const bare = store.statement<{ n: number }>('select count(*)::int as n, $1::int as x from notes', [index]);
      const seen = await store.inWorkspace(workspace, async (tx) => {
        await write(tx, workspace, String(index));
        await new Promise((resolve) => setImmediate(resolve));
        const { rows } = await tx.execute<{ w: string; s: string }>(
          sql`select distinct workspace_id as w, current_setting('app.workspace_id') as s from notes`,
        );
        return rows;
      });
      assert.deepEqual(seen, [{ w: workspace, s: workspace }]);
      return (await bare)[0]?.n;
    }),
  );
  assert.deepEqual(new Set(results), new Set([0]));
});

test('the system role sees what is granted to it, and only inside of its transaction', async () => {
  await store.inWorkspace(ours, (tx) => write(tx, ours, 'a'));
  await store.inWorkspace(theirs, (tx) => write(tx, theirs, 'b'));
  const seen = await store.asSystem((tx) =>
    tx.execute(sql`select workspace_id from notes where workspace_id in (${ours}, ${theirs})`),
  );
  assert.equal(seen.rowCount, 2);
  await assert.rejects(
    store.asSystem((tx) => tx.execute(sql`select text from notes`)),
    refused,
  );
  const roles = await Promise.all(
    Array.from({ length: 30 }, () => store.statement<{ role: string }>('select current_user as role', [])),
  );
  assert.deepEqual(new Set(roles.map((rows) => rows[0]?.role)), new Set(['parley_app']));
});

test('parley_app can neither bypass row-level security nor change the schema', async () => {
  const [role] = await store.statement('select rolsuper, rolbypassrls from pg_roles where rolname = current_user', []);
  assert.deepEqual(role, { rolsuper: false, rolbypassrls: false });
  await assert.rejects(store.statement('alter table notes disable row level security', []), { code: '42501' });
  await assert.rejects(store.statement('create table mine (id int)', []), { code: '42501' });
});

test('an error rolls back; inside of a savepoint it rolls back only that', async () => {
  await assert.rejects(
    store.inWorkspace(ours, async (tx) => {
      await write(tx, ours, 'gone');
      throw new Error('changed my mind');
    }),
    /changed my mind/,
  );
  await store.inWorkspace(ours, async (tx) => {
    await write(tx, ours, 'outer');
    await assert.rejects(
      tx.transaction(async (inner) => {
        await write(inner, ours, 'inner');
        throw new Error('inner only');
      }),
      /inner only/,
    );
    await write(tx, ours, 'outer, later');
  });
  assert.deepEqual(await store.inWorkspace(ours, read), ['outer', 'outer, later']);
});

test('work whose failed statement was swallowed does not look done', async () => {
  await assert.rejects(
    store.inWorkspace(ours, async (tx) => {
      await write(tx, ours, 'lost');
      await assert.rejects(tx.execute(sql`select 1 / 0`));
      return 'done';
    }),
    /failed statement was caught/,
  );
});

test('a transaction kept past its end is refused', async () => {
  const kept = await store.inWorkspace(ours, async (tx) => ({ tx }));
  await assert.rejects(
    async () => kept.tx.execute(sql`select 1`),
    (error: Error) => /over/.test(error.cause instanceof Error ? error.cause.message : error.message),
  );
});

test('work is run again after a serialization failure, at most three times', async () => {
  let runs = 0;
  const conflict = (tx: Tx) => tx.execute(sql`do $$ begin raise exception 'again' using errcode = '40001'; end $$`);
  await store.inWorkspace(ours, async (tx) => {
    await write(tx, ours, `run ${++runs}`);
    if (runs < 3) await conflict(tx);
  });
  assert.deepEqual(await store.inWorkspace(ours, read), ['run 3']);
  runs = 0;
  await assert.rejects(
    store.inWorkspace(ours, async (tx) => {
      runs++;
      await conflict(tx);
    }),
  );
  assert.equal(runs, 3);
});

test('a transaction is three round trips around its statements: begin with the workspace, and commit', async () => {
  const before = store.statementCount();
  await store.inWorkspace(ours, read);
  assert.equal(store.statementCount() - before, 3);
});

test('a single statement sees its workspace, no other, and leaves nothing of it behind', async () => {
  await store.inWorkspace(theirs, (tx) => write(tx, theirs, 'secret'));
  const insert = sql`insert into notes values (${newId()}, ${ours}, 'mine') returning text`;
  assert.deepEqual(await store.once(ours, insert), [{ text: 'mine' }]);
  assert.deepEqual(await store.once(ours, sql`select text from notes`), [{ text: 'mine' }]);
  assert.deepEqual(await store.once(ours, sql`update notes set text = 'x' where text = 'secret' returning text`), []);
  await assert.rejects(store.once(ours, sql`insert into notes values (${newId()}, ${theirs}, 'forged')`), {
    code: '42501',
  });
  await assert.rejects(store.once(`${ours}'--`, sql`select 1`), TypeError);
  assert.deepEqual(await store.statement('select text from notes', []), []);
});

test('single statements of two workspaces at once do not mix, also after one that failed', async () => {
  await Promise.all(
    [ours, theirs].map((workspace) => store.inWorkspace(workspace, (tx) => write(tx, workspace, workspace))),
  );
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const workspace = index % 2 === 0 ? ours : theirs;
      if (index % 20 === 19) await assert.rejects(store.once(workspace, sql`select 1 / 0`));
      const rows = await store.once<{ text: string }>(workspace, sql`select text from notes where ${index}::int >= 0`);
      return rows.length === 1 && rows[0]?.text === workspace;
    }),
  );
  assert.ok(answers.every(Boolean));
});

test('a statement that could not be prepared once can be run afterwards, on the same connections', async () => {
  const late = sql`select text from late_notes`;
  // More than there are connections: every one of them has tried.
  const failed = await Promise.allSettled(Array.from({ length: 40 }, () => store.once(ours, late)));
  assert.ok(failed.every((outcome) => outcome.status === 'rejected'));
  await data.database.asOwner((client) =>
    client.query('create table late_notes (text text); grant select on late_notes to parley_app'),
  );
  for (let index = 0; index < 40; index++) assert.deepEqual(await store.once(ours, late), []);
});
