import assert from 'node:assert/strict';
import { it } from 'node:test';
import { HttpStatusError } from '../../platform/outbound/breaker.ts';
import { unavailable } from '../../platform/errors.ts';
import { outcomeOf, waitAfter } from './outcome.ts';

it('attempts are nine within about three days, with a fifth of chance', () => {
  const waits = Array.from({ length: 9 }, (_, index) => waitAfter(index + 1, 0, 0.5));
  assert.deepEqual(waits, [5, 60, 600, 3_600, 14_400, 36_000, 86_400, 108_000, null]);
  assert.ok(waits.reduce<number>((sum, wait) => sum + (wait ?? 0), 0) < 3 * 86_400);
  assert.deepEqual([waitAfter(1, 0, 0), waitAfter(1, 0, 1)], [4, 6]);
});

it('a receiver that asks for patience gets it, up to a bound and not beyond the last attempt', () => {
  assert.equal(waitAfter(1, 90, 0.5), 90);
  assert.equal(waitAfter(2, 10, 0.5), 60);
  assert.equal(waitAfter(1, 1e9, 0.5), 108_000);
  assert.equal(waitAfter(9, 90, 0.5), null);
});

it('an open breaker puts an attempt off to its turn, and the last one until something can be tried', () => {
  const early = outcomeOf(unavailable('open', 50), 1);
  assert.ok(early.is === 'failed' && early.waitSeconds === 50);
  const later = outcomeOf(unavailable('open', 50), 4);
  assert.ok(later.is === 'failed' && (later.waitSeconds ?? 0) > 2_800);
  assert.deepEqual(outcomeOf(unavailable('open', 50), 9), { is: 'put off', waitSeconds: 50 });
});

it('what a failure means is said without the words of the other side', () => {
  assert.equal(outcomeOf(new HttpStatusError(410, 'a secret'), 1).is, 'gone');
  const last = outcomeOf(new HttpStatusError(500, 'a secret'), 9);
  assert.deepEqual(last, { is: 'failed', status: 500, error: 'It answered 500.', waitSeconds: null });
  const refused = Object.assign(new Error('connect 10.1.2.3:80'), { code: 'ECONNREFUSED' });
  assert.match(JSON.stringify(outcomeOf(refused, 1)), /No connection: ECONNREFUSED\./);
  assert.doesNotMatch(JSON.stringify(outcomeOf(new Error('connect 10.1.2.3:80'), 1)), /10\.1/);
});
