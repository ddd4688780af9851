import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stays } from './stays.ts';

test('what stops holding fails at the look that sees it, in words', async () => {
  let looks = 0;
  await assert.rejects(
    stays(() => (looks += 1) < 3, 'nobody comes', 400),
    { message: 'did not stay so: nobody comes' },
  );
  assert.equal(looks, 3);
});

test('what holds is looked at until the time is over; a look that fails is the failure', async () => {
  let looks = 0;
  await stays(async () => (looks += 1) > 0, 'somebody looks', 50);
  assert.ok(looks > 1, String(looks));
  await assert.rejects(
    stays(() => Promise.reject(new Error('not readable')), 'it is readable', 50),
    /not readable/,
  );
});

test('more than half a second has a reason', async () => {
  await assert.rejects(
    stays(() => true, 'nothing', 501),
    RangeError,
  );
});
