import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { Client } from 'pg';
import { createMultiplexer } from './multiplexer.ts';
import type { Multiplexer } from './multiplexer.ts';
import { portStream } from './port-stream.ts';

/** What only the shared session has: a client that holds it, sends nonsense, or asks for what it may not have. */

let session: PGlite;
let shared: Multiplexer;
let nextId = 1;

before(async () => {
  session = await PGlite.create();
  shared = createMultiplexer((bytes) => session.execProtocolRawSync(bytes), 100);
});
after(() => session.close());

const stream = (): Duplex => {
  const id = nextId++;
  const made: Duplex = portStream({
    open: () => shared.open(id, { write: (bytes) => made.push(bytes), end: () => made.push(null) }),
    write: (bytes) => shared.receive(id, bytes),
    close: () => shared.close(id),
  });
  return made;
};
const connect = async (options = ''): Promise<Client> => {
  const client = new Client({ stream, user: 'test', database: 'test', ssl: false, options });
  client.on('error', () => {});
  await client.connect();
  return client;
};

test('a transaction that sits idle while others wait is ended, and they go on', async () => {
  const [idle, other] = [await connect(), await connect()];
  await idle.query('begin; create table held (id int)');
  const waiting = other.query("select to_regclass('held') as t");
  assert.deepEqual((await waiting).rows, [{ t: null }]);
  await assert.rejects(idle.query('select 1'));
  await other.end();
});

test('a client that goes away in the middle of a transaction frees the session', async () => {
  const [leaving, other] = [await connect(), await connect()];
  await leaving.query('begin; create table left_behind (id int)');
  const waiting = other.query("select to_regclass('left_behind') as t");
  await leaving.end();
  assert.deepEqual((await waiting).rows, [{ t: null }]);
  await other.end();
});

test('a role that does not exist is refused, and the next client is not affected', async () => {
  const wrong = await connect('-c role=nobody_at_all');
  await assert.rejects(wrong.query('select 1'), { code: '22023' });
  const right = await connect();
  assert.deepEqual((await right.query('select 1 as x')).rows, [{ x: 1 }]);
  await right.end();
});

test('nonsense ends the connection that sent it and no other', async () => {
  const other = await connect();
  const raw = stream();
  const answer = new Promise<string>((resolve) => {
    let text = '';
    raw.on('data', (bytes: Buffer) => (text += bytes.toString('latin1'))).on('end', () => resolve(text));
  });
  Reflect.get(raw, 'connect').call(raw);
  raw.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  assert.match(await answer, /08P01/);
  assert.deepEqual((await other.query('select 1 as x')).rows, [{ x: 1 }]);
  await other.end();
});

test('bytes may arrive in any cut', async () => {
  const id = nextId++;
  const cut: Duplex = portStream({
    open: () => shared.open(id, { write: (bytes) => cut.push(bytes), end: () => cut.push(null) }),
    write: (bytes) => {
      for (const byte of bytes) shared.receive(id, Buffer.from([byte]));
    },
    close: () => shared.close(id),
  });
  const client = new Client({ stream: () => cut, user: 'test', database: 'test', ssl: false });
  await client.connect();
  const { rows } = await client.query({ name: 'named', text: 'select $1::int as x', values: [5] });
  assert.deepEqual(rows, [{ x: 5 }]);
  await client.end();
});
