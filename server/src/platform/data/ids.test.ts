import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIdSource, hashToken, newId, newToken } from './ids.ts';

const zeros = (bytes: number): Buffer => Buffer.alloc(bytes, 0xff);

test('ids are UUIDs of version 7 and all different', () => {
  const ids = Array.from({ length: 20_000 }, newId);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(ids).size, ids.length);
});

test('the order of ids is the order they were made in', () => {
  const ids = Array.from({ length: 20_000 }, newId);
  assert.deepEqual(ids, ids.toSorted());
});

test('the order holds when the millisecond is full and when the clock goes backwards', () => {
  let now = 1_000;
  const next = createIdSource(() => now, zeros);
  const ids = Array.from({ length: 10_000 }, next);
  now = 10;
  ids.push(next(), next());
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(new Set(ids).size, ids.length);
});

test('the time can be read from an id', () => {
  const id = createIdSource(() => 0x0123456789ab, zeros)();
  assert.equal(id.slice(0, 13), '01234567-89ab');
});

test('tokens are long, safe in an address, and differ; their hash does not', () => {
  assert.match(newToken(), /^[A-Za-z0-9_-]{32}$/);
  assert.equal(newToken(32).length, 43);
  assert.notEqual(newToken(), newToken());
  assert.equal(hashToken('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
