import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLimiter } from './limiter.ts';

const setUp = (maxKeys?: number) => {
  const time = { now: 1_000_000 };
  const limiter = createLimiter({ capacity: 3, refillPerSecond: 0.5, maxKeys, clock: () => time.now });
  return { time, take: limiter.take, reset: limiter.reset };
};

test('the bucket empties, says when to come back, and keeps that promise', async () => {
  const { time, take } = setUp();
  for (let count = 0; count < 3; count += 1) assert.equal((await take('a')).allow, true);
  assert.partialDeepStrictEqual(await take('a'), { allow: false, retryAfterSeconds: 2 });
  time.now += 1_000;
  assert.partialDeepStrictEqual(await take('a'), { allow: false, retryAfterSeconds: 1 });
  time.now += 1_000;
  assert.partialDeepStrictEqual(await take('a'), { allow: true, retryAfterSeconds: 0 });
  assert.equal((await take('a')).allow, false);
});

test('the verdict says what is left and when the bucket is full again', async () => {
  const { time, take } = setUp();
  const left = async () => {
    const { remaining, resetSeconds } = await take('a');
    return [remaining, resetSeconds];
  };
  assert.deepEqual(
    [await left(), await left(), await left(), await left()],
    [
      [2, 2],
      [1, 4],
      [0, 6],
      [0, 6],
    ],
  );
  time.now += 1_000;
  assert.deepEqual(await left(), [0, 5]);
});

test('a refused try costs nothing, so hammering does not lock out for longer', async () => {
  const { time, take } = setUp();
  await take('a', 3);
  for (let count = 0; count < 100; count += 1) await take('a');
  time.now += 2_000;
  assert.equal((await take('a')).allow, true);
});

test('keys do not touch each other, and rest fills up to the capacity only', async () => {
  const { time, take } = setUp();
  await take('a', 3);
  assert.equal((await take('b', 3)).allow, true);
  time.now += 3_600_000;
  assert.equal((await take('a', 3)).allow, true);
  assert.equal((await take('a')).allow, false);
});

test('a clock set back gives nothing and takes nothing', async () => {
  const { time, take } = setUp();
  await take('a', 2);
  time.now -= 3_600_000;
  assert.equal((await take('a')).allow, true);
  assert.equal((await take('a')).allow, false);
});

test('reset forgets, and memory is bounded', async () => {
  const { take, reset } = setUp(2);
  await take('a', 3);
  await reset('a');
  assert.equal((await take('a', 3)).allow, true);
  for (const key of ['b', 'c']) await take(key, 3);
  assert.equal((await take('a')).allow, true, 'a was the oldest of three and is forgotten');
  assert.equal((await take('c')).allow, false);
});
