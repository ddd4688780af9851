import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { addWorkspace, createTestDatabase } from '../../test/database.ts';
import type { TestDatabase } from '../../test/database.ts';
import { toProblem } from '../errors.ts';
import { newId } from './ids.ts';
import { limitOf, STATEMENT_MS, triesOf } from './statement-limits.ts';
import { createStore } from './tenant.ts';
import type { Store } from './tenant.ts';

/** What is too much for the database ends there, is told as what it is, and is not tried as often as what may pass. */
describe('limits of a statement', () => {
  const workspaceId = newId();
  let database: TestDatabase;
  let store: Store;
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => assert.fail('it did not fail'),
      (error: unknown) => error,
    );

  before(async () => {
    database = await createTestDatabase();
    store = createStore(database.database);
    await addWorkspace(database.database, workspaceId, newId());
  });
  after(() => database?.remove());

  it('are short where messages pass and lists are read, and end with the statement', async () => {
    const setting = sql`select current_setting('statement_timeout') as ms`;
    const path = `${STATEMENT_MS.path / 1_000}s`;
    assert.deepEqual(await store.once(workspaceId, setting), [{ ms: path }]);
    assert.deepEqual(await store.once(workspaceId, setting, 'each time'), [{ ms: path }]);
    const { rows } = await store.inWorkspace(workspaceId, (tx) => tx.execute(setting), STATEMENT_MS.path);
    assert.deepEqual(rows, [{ ms: path }]);
    const read = await store.read(workspaceId, (tx) => tx.execute(setting));
    assert.deepEqual(read.rows, [{ ms: `${STATEMENT_MS.read / 1_000}s` }]);
    const bare = await store.inWorkspace(workspaceId, (tx) => tx.execute(setting));
    // A deletion of everything a workspace knows may take longer.
    assert.deepEqual(bare.rows, [{ ms: database.database.kind === 'embedded' ? '0' : '30s' }]);
  });

  it('too big: tried once, and a 413 without a word of the statement', async () => {
    const query = sql`select to_tsvector('simple', (select string_agg(md5(n::text), ' ') from generate_series(1, 40000) n))`;
    const error = await failure(store.once(workspaceId, query));
    assert.deepEqual([limitOf(error), triesOf(error, 5)], ['too big', 1]);
    const { status, body } = toProblem(error);
    assert.deepEqual([status, body.error.code], [413, 'payload_too_large']);
    assert.doesNotMatch(JSON.stringify(body), /tsvector|md5/);
  });

  it('too long: tried twice, and a 503', async (context) => {
    if (database.database.kind === 'embedded') return context.skip('the embedded database stops nothing');
    const slow = store.inWorkspace(workspaceId, (tx) => tx.execute(sql`select pg_sleep(20)`), 50);
    const error = await failure(slow);
    assert.deepEqual([limitOf(error), triesOf(error, 5), toProblem(error).status], ['too long', 2, 503]);
  });

  it('a statement that waited for somebody else, and any other failure, are tried as ever', async (context) => {
    assert.deepEqual(
      [limitOf(new Error('x')), triesOf(new Error('x'), 5), limitOf(undefined)],
      [undefined, 5, undefined],
    );
    if (database.database.kind === 'embedded') return context.skip('the embedded database has one session');
    const lock = sql`select 1 from inboxes where workspace_id = ${workspaceId}::uuid for update`;
    await store.inWorkspace(workspaceId, async (tx) => {
      await tx.execute(lock);
      const waits = store.inWorkspace(workspaceId, (other) => other.execute(lock), 50);
      const error = await failure(waits);
      assert.deepEqual([limitOf(error), triesOf(error, 5)], [undefined, 5]);
    });
  });
});
