import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import type { PoolClient } from 'pg';
import { createTestDatabase } from '../../test/database.ts';
import type { TestDatabase } from '../../test/database.ts';

/** Connections do not meet each other: trivially on a server, by the multiplexer on the embedded database. */

let data: TestDatabase;
before(async () => {
  data = await createTestDatabase();
  await data.database.asOwner((client) =>
    client.query(`create table things (id int primary key); grant all on things to parley_app;
      create schema other; grant usage on schema other to parley_app;
      create table other.marks (id int); grant all on other.marks to parley_app`),
  );
});
after(() => data.remove());

const connect = (): Promise<PoolClient> => data.database.pool.connect();

test('prepared statements of the same name keep to their connection', async () => {
  const [one, two] = [await connect(), await connect()];
  const ask = (client: PoolClient, text: string) => client.query({ name: 'same', text, values: [1] });
  assert.deepEqual((await ask(one, 'select $1::int as a')).rows, [{ a: 1 }]);
  assert.deepEqual((await ask(two, 'select $1::int as b')).rows, [{ b: 1 }]);
  assert.deepEqual((await ask(one, 'select $1::int as a')).rows, [{ a: 1 }]);
  one.release(true);
  assert.deepEqual((await ask(two, 'select $1::int as b')).rows, [{ b: 1 }]);
  two.release();
});

test('statements with parameters sent at once do not mix', async () => {
  const { pool } = data.database;
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, index) =>
      index % 2
        ? pool.query({ text: 'select $1::int as x', values: [index] })
        : pool.query({ name: 'wide', text: 'select $1::int as x, $2::text as y', values: [index, 'y'] }),
    ),
  );
  assert.deepEqual(
    answers.map(({ rows }) => rows[0].x),
    answers.map((_, index) => index),
  );
});

test("an error in one connection is that connection's alone", async () => {
  const { pool } = data.database;
  const results = await Promise.allSettled(
    Array.from({ length: 40 }, (_, index) => pool.query('select 10 / $1::int as x', [index % 2])),
  );
  assert.deepEqual(
    results.map(({ status }) => status),
    results.map((_, index) => (index % 2 ? 'fulfilled' : 'rejected')),
  );
});

test('a transaction is rolled back when its connection is lost, and others go on', async () => {
  const client = await connect();
  await client.query('begin');
  await client.query('insert into things values (1)');
  const waiting = data.database.pool.query('select count(*)::int as n from things');
  client.release(new Error('lost'));
  assert.deepEqual((await waiting).rows, [{ n: 0 }]);
});

test('each pool has its own search path; SET LOCAL ends with the transaction', async () => {
  const other = data.database.openPool({ max: 2, searchPath: 'other', name: 'other' });
  await other.query('insert into marks values (7)');
  await assert.rejects(data.database.pool.query('select * from marks'), { code: '42P01' });
  await assert.rejects(other.query('select * from things'), { code: '42P01' });
  const client = await connect();
  await client.query('begin; set local role parley_system; set local search_path to other');
  assert.equal((await client.query('select current_user as u')).rows[0].u, 'parley_system');
  await client.query('commit');
  assert.equal((await client.query('select current_user as u')).rows[0].u, 'parley_app');
  client.release();
  assert.deepEqual((await other.query('select * from marks')).rows, [{ id: 7 }]);
  await other.end();
});

test("the owner's rights end with the owner's work", async () => {
  const [owner, app] = await Promise.all([
    data.database.asOwner(async (client) => (await client.query('select current_user as u')).rows[0].u),
    data.database.pool.query('select current_user as u').then(({ rows }) => rows[0].u),
  ]);
  assert.notEqual(owner, 'parley_app');
  assert.equal(app, 'parley_app');
});

test('a notification reaches whoever listens, when the transaction that sent it commits', async () => {
  const [listener, sender] = [await connect(), await connect()];
  await listener.query('listen news');
  const heard = once(listener, 'notification');
  let early = 0;
  listener.on('notification', () => early++);
  await sender.query('begin');
  await sender.query("select pg_notify('news', 'rolled back')");
  await sender.query('rollback');
  await sender.query('begin');
  await sender.query("select pg_notify('news', 'hello')");
  assert.equal(early, 0);
  await sender.query('commit');
  const [message] = await heard;
  assert.equal(message.payload, 'hello');
  assert.equal(early, 1);
  await listener.query('unlisten news');
  sender.release();
  listener.release();
});

test('a large answer and a large parameter arrive whole', async () => {
  const text = 'é'.repeat(3_000_000);
  const { rows } = await data.database.pool.query('select $1::text as t, generate_series(1, 3) as n', [text]);
  assert.equal(rows.length, 3);
  assert.equal(rows[2].t, text);
});
