import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLimiter } from './limiter.ts';

const setUp = (maxKeys?: number) => {
  const time = { now: 1_000_000 };
  const limiter = createLimiter({ capacity: 3, refillPerSecond: 0.5, maxKeys, clock: () => time.now });
  return { time, take: limiter.take, reset: limiter.reset };
};

test('the bucket empties, says when to come back, and keeps that promise', () => {
  const { time, take } = setUp();
  for (let count = 0; count < 3; count += 1) assert.equal(take('a').allow, true);
  assert.deepEqual(take('a'), { allow: false, retryAfterSeconds: 2 });
  time.now += 1_000;
  assert.deepEqual(take('a'), { allow: false, retryAfterSeconds: 1 });
  time.now += 1_000;
  assert.deepEqual(take('a'), { allow: true, retryAfterSeconds: 0 });
  assert.equal(take('a').allow, false);
});

test('a refused try costs nothing, so hammering does not lock out for longer', () => {
  const { time, take } = setUp();
  take('a', 3);
  for (let count = 0; count < 100; count += 1) take('a');
  time.now += 2_000;
  assert.equal(take('a').allow, true);
});

test('keys do not touch each other, and rest fills up to the capacity only', () => {
  const { time, take } = setUp();
  take('a', 3);
  assert.equal(take('b', 3).allow, true);
  time.now += 3_600_000;
  assert.equal(take('a', 3).allow, true);
  assert.equal(take('a').allow, false);
});

test('a clock set back gives nothing and takes nothing', () => {
  const { time, take } = setUp();
  take('a', 2);
  time.now -= 3_600_000;
  assert.equal(take('a').allow, true);
  assert.equal(take('a').allow, false);
});

test('reset forgets, and memory is bounded', () => {
  const { take, reset } = setUp(2);
  take('a', 3);
  reset('a');
  assert.equal(take('a', 3).allow, true);
  for (const key of ['b', 'c']) take(key, 3);
  assert.equal(take('a').allow, true, 'a was the oldest of three and is forgotten');
  assert.equal(take('c').allow, false);
});
