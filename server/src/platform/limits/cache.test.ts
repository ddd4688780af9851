import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCache } from './cache.ts';

const make = () => createCache<string>({ max: 2, ttlMs: 60_000 });

test('a failed load is told to all who waited and kept by nobody', async () => {
  const cache = make();
  let loads = 0;
  const fail = async (): Promise<string> => {
    loads += 1;
    throw new Error('down');
  };
  const both = await Promise.allSettled([cache.load('a', fail), cache.load('a', fail)]);
  assert.deepEqual(
    both.map((result) => result.status),
    ['rejected', 'rejected'],
  );
  assert.equal(loads, 1);
  assert.equal(await cache.load('a', async () => 'up'), 'up');
});

test('a fetch that throws at once does not block the key', async () => {
  const cache = make();
  await assert.rejects(
    cache.load('a', () => {
      throw new Error('sync');
    }),
  );
  assert.equal(await cache.load('a', async () => 'up'), 'up');
});

test('those who ask at once share one load; later ones the value', async () => {
  const cache = make();
  let loads = 0;
  const fetch = async (): Promise<string> => `value ${(loads += 1)}`;
  const values = await Promise.all(Array.from({ length: 50 }, () => cache.load('a', fetch)));
  assert.deepEqual(new Set([...values, await cache.load('a', fetch)]), new Set(['value 1']));
  assert.equal(await cache.load('b', fetch), 'value 2');
});

for (const [what, change] of [
  ['delete', (cache: ReturnType<typeof make>) => cache.delete('a')],
  ['clear', (cache: ReturnType<typeof make>) => cache.clear()],
  ['set', (cache: ReturnType<typeof make>) => cache.set('a', 'new')],
] as const) {
  test(`${what} during a load: the old value is not kept`, async () => {
    const cache = make();
    const { promise, resolve } = Promise.withResolvers<string>();
    const loading = cache.load('a', () => promise);
    await Promise.resolve();
    change(cache);
    resolve('old');
    assert.equal(await loading, 'old');
    assert.equal(await cache.load('a', async () => 'new'), 'new');
  });
}

test('memory is bounded, and values go when asked', () => {
  const cache = make();
  for (const key of ['a', 'b', 'c']) cache.set(key, key);
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [undefined, 'b', 'c']);
  cache.delete('c');
  assert.equal(cache.get('c'), undefined);
});
