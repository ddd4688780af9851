import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { createTestDatabase } from '../../test/database.ts';
import type { TestDatabase } from '../../test/database.ts';
import { createIdSource, firstIdOf } from './ids.ts';
import { createLogger } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createStore } from './tenant.ts';
import { createPartitionKeeper } from './partitions.ts';

const WORKSPACE = '0190b0a0-0000-7000-8000-000000000001';
const MIGRATIONS = fileURLToPath(new URL('../../db/migrations', import.meta.url));

/** An id made at this moment. */
const idOf = (moment: Date): string =>
  createIdSource(
    () => moment.getTime(),
    (bytes) => Buffer.alloc(bytes, Math.floor(Math.random() * 256)),
  )();
const month = (offset: number, day = 10): Date => {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, day));
};
const named = (table: string, offset: number): string =>
  `${table}_${month(offset).toISOString().slice(0, 7).replace('-', '_')}`;
const log = createLogger({ level: 'fatal' });

describe('tables that are kept by month', () => {
  let test: TestDatabase;
  const metrics = createMetrics({ defaults: false });
  const tables = ['messages', 'inbound_events', 'traces'];
  const keeperWith = (retention?: Record<string, number>) =>
    createPartitionKeeper({ database: test.database, log, metrics, tables, retention });
  const owner = <Row extends Record<string, unknown>>(text: string, values: unknown[] = []): Promise<Row[]> =>
    test.database.asOwner(async (client) => (await client.query<Row>(text, values)).rows);
  const app = <Row extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
    createStore(test.database).statement<Row>(
      `with c as materialized (select set_config('app.workspace_id', '${WORKSPACE}', true)) ${text}`,
      values,
    );
  const receive = async (moment: Date, processed: boolean): Promise<string> => {
    const id = idOf(moment);
    await app(
      `insert into inbound_events (id, workspace_id, inbox_id, thread_key, platform_id, kind, payload, processed_at)
       select $1, '${WORKSPACE}', '${WORKSPACE}', 't', 'p', 'message', '{}', case when $2 then now() end from c`,
      [id, processed],
    );
    return id;
  };
  const whereIs = async (id: string): Promise<string | undefined> =>
    (await owner<{ t: string }>('select tableoid::regclass::text as t from inbound_events where id = $1', [id]))[0]?.t;
  const partitionsOf = async (table: string): Promise<string[]> =>
    (
      await owner<{ name: string }>(
        `select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass order by 1`,
        [table],
      )
    ).map(({ name }) => name);

  before(async () => {
    test = await createTestDatabase();
  });
  after(() => test.remove());

  it('has this month and the next two from the start; making them again, also at once, makes none', async () => {
    for (const table of ['inbound_events', 'messages', 'traces']) {
      assert.deepEqual(await partitionsOf(table), [0, 1, 2].map((n) => named(table, n)).concat(`${table}_default`));
    }
    const looks = await Promise.all(Array.from({ length: 4 }, () => keeperWith().look()));
    for (const { made } of looks) assert.deepEqual(made, []);
  });

  it('makes the coming months as time goes on', async () => {
    const { made } = await keeperWith().look(month(1));
    assert.deepEqual(
      made,
      ['inbound_events', 'messages', 'traces'].map((table) => named(table, 3)),
    );
  });

  it('stores what belongs to no month, and moves it to a month of its own at the next look', async () => {
    const old = await receive(month(-8), true);
    const ahead = await receive(month(6), true);
    assert.deepEqual([await whereIs(old), await whereIs(ahead)], ['inbound_events_default', 'inbound_events_default']);
    // A clock of the last century, and an id without a time.
    const wrong = await receive(new Date('1999-05-05'), true);
    const { made } = await keeperWith().look();
    assert.deepEqual(made, [named('inbound_events', -8), named('inbound_events', 6)]);
    assert.deepEqual(
      [await whereIs(old), await whereIs(ahead), await whereIs(wrong)],
      [named('inbound_events', -8), named('inbound_events', 6), 'inbound_events_default'],
    );
    const { body } = await metrics.render();
    assert.match(body, /parley_partition_default_rows\{table="inbound_events"\} 1/);
    assert.match(body, /parley_partition_default_rows\{table="messages"\} 0/);
    // The months between come without touching those that are there.
    assert.deepEqual((await keeperWith().look(month(2))).made.includes(named('inbound_events', 4)), true);
    assert.equal(await whereIs(ahead), named('inbound_events', 6));
  });

  it('has a row of the last and of the first millisecond of a month in the right one', async () => {
    const first = month(1, 1);
    const before = await receive(new Date(first.getTime() - 1), true);
    const at = await receive(first, true);
    assert.deepEqual(
      [await whereIs(before), await whereIs(at)],
      [named('inbound_events', 0), named('inbound_events', 1)],
    );
    assert.ok(firstIdOf(first) <= at && before < firstIdOf(first));
  });

  it('keeps for ever what is to be kept for ever, and with it what an API process sees to', async () => {
    assert.deepEqual((await keeperWith({ messages: 0, inbound_events: 0, traces: 0 }).look()).retired, []);
    assert.deepEqual((await keeperWith().look(month(12))).retired, []);
    assert.ok((await partitionsOf('inbound_events')).includes(named('inbound_events', -8)));
  });

  it('retires a month that is past its time, but not one in which something waits, and drops it after its grace', async () => {
    const waiting = await receive(month(-5), false);
    const kept = await receive(month(-3), true);
    const gone = await receive(month(-4), true);
    await keeperWith().look();
    const keeper = keeperWith({ messages: 0, inbound_events: 3, traces: 0 });
    const { retired, dropped } = await keeper.look();
    assert.deepEqual(retired, [named('inbound_events', -4), named('inbound_events', -8)].sort());
    assert.deepEqual(dropped, []);
    assert.deepEqual(
      [await whereIs(waiting), await whereIs(kept), await whereIs(gone)],
      [named('inbound_events', -5), named('inbound_events', -3), undefined],
    );

    // Retired: there, readable by nobody but the owner, and not taken for a partition again.
    const table = named('inbound_events', -4);
    assert.equal((await owner(`select 1 from ${table}`)).length, 1);
    await assert.rejects(app(`select 1 from ${table}, c`), /permission denied/);
    assert.deepEqual((await keeper.look()).dropped, []);
    assert.deepEqual(
      (await owner<{ name: string }>(`select drop_retired('6 days') as name`)).map(({ name }) => name),
      [],
    );
    await owner(`comment on table ${table} is 'retired ${new Date(Date.now() - 8 * 86_400_000).toISOString()}'`);
    assert.deepEqual((await keeper.look()).dropped, [table]);

    // What waited was done, a month later: then it goes, too.
    await owner('update inbound_events set processed_at = now() where id = $1', [waiting]);
    assert.deepEqual((await keeper.look()).retired, [named('inbound_events', -5)]);
    // The date decides: three months later the next ones are past their time.
    assert.deepEqual((await keeper.look(month(1))).retired, [named('inbound_events', -3)]);
  });

  it('does the same in another schema, and there alone', async () => {
    await owner(`create schema "a place"; create table "a place".things (id uuid primary key, workspace_id uuid) partition by range (id);
      create table "a place".things_default partition of "a place".things default;
      create unique index things_default_once on "a place".things_default (workspace_id)`);
    const made = (await owner<{ name: string }>(`select make_partitions('a place') as name`)).map(({ name }) => name);
    assert.deepEqual(
      made,
      [0, 1, 2].map((n) => named('things', n)),
    );
    const indexes = await owner(`select 1 from pg_indexes where schemaname = 'a place' and tablename = $1`, [made[0]]);
    assert.equal(indexes.length, 2, 'the primary key, and what the default partition has beside it');
    assert.deepEqual(await owner('select make_partitions()'), []);
  });

  it('looks after every schema that has the tables', async () => {
    for (const table of ['messages', 'inbound_events', 'traces'])
      await owner(`create table "a place".${table} (like public.${table} including defaults, primary key (id)) partition by range (id);
        create table "a place".${table}_default partition of "a place".${table} default`);
    const { made } = await keeperWith().look();
    assert.deepEqual(
      made.filter((name) => name.startsWith('messages')),
      [0, 1, 2].map((n) => named('messages', n)),
    );
    assert.deepEqual((await keeperWith().look()).made, []);
  });
});

describe('a database from before the partitions', () => {
  it('keeps its rows, each in its month, and goes on counting', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-migrations-'));
    const files = readdirSync(MIGRATIONS).filter((name) => name < '0003');
    for (const file of files) cpSync(join(MIGRATIONS, file), join(folder, file));
    const old = await createTestDatabase(folder);
    try {
      const [conversation, first, second] = [month(-2), month(-1), month(0)].map(idOf);
      await old.database.asOwner((client: Client) =>
        client.query(`
          insert into workspaces (id, name) values ('${WORKSPACE}', 'W');
          insert into inboxes (id, workspace_id, name, channel, token) values ('${WORKSPACE}', '${WORKSPACE}', 'I', 'web', 't');
          insert into contacts (id, workspace_id, name) values ('${WORKSPACE}', '${WORKSPACE}', 'C');
          insert into threads (id, workspace_id, inbox_id, thread_key) values ('${WORKSPACE}', '${WORKSPACE}', '${WORKSPACE}', 'k');
          insert into conversations (id, workspace_id, inbox_id, thread_id, contact_id, status, last_seq)
            values ('${conversation}', '${WORKSPACE}', '${WORKSPACE}', '${WORKSPACE}', '${WORKSPACE}', 'bot', 2);
          insert into messages (id, workspace_id, conversation_id, seq, author_type, text)
            values ('${second}', '${WORKSPACE}', '${conversation}', 2, 'bot', 'two'), ('${first}', '${WORKSPACE}', '${conversation}', 1, 'contact', 'one');
          insert into inbound_events (id, workspace_id, inbox_id, thread_key, platform_id, kind, payload)
            values ('${first}', '${WORKSPACE}', '${WORKSPACE}', 'k', 'p1', 'message', '{}'), ('${second}', '${WORKSPACE}', '${WORKSPACE}', 'k', 'p2', 'message', '{}')`),
      );
      cpSync(MIGRATIONS, folder, { recursive: true });
      const database = await old.reopen();
      const rows = await database.asOwner(async (client: Client) => ({
        messages: (await client.query('select tableoid::regclass::text as t, text from messages order by seq')).rows,
        from: (await client.query('select messages_from from conversations')).rows,
        ids: (await client.query('select platform_id, event_id from inbound_ids order by 1')).rows,
        next: (await client.query(`select nextval('inbound_events_seq')::int as n`)).rows,
      }));
      assert.deepEqual(rows, {
        messages: [
          { t: named('messages', -1), text: 'one' },
          { t: named('messages', 0), text: 'two' },
        ],
        from: [{ messages_from: first }],
        ids: [
          { platform_id: 'p1', event_id: first },
          { platform_id: 'p2', event_id: second },
        ],
        next: [{ n: 3 }],
      });
    } finally {
      await old.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
