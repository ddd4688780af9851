import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Limiter } from '../platform/limits/limiter.ts';
import { until } from '../test/until.ts';
import { createPacing } from './pacing.ts';

const channel = (perSecond?: number) => ({
  name: 'telegram' as const,
  limits: { textLength: 1, unit: 'utf16' as const, ...(perSecond === undefined ? {} : { perSecond }) },
});

/** A count that lets through what the test lets through. */
function countedByHand() {
  let free = 0;
  let asked = 0;
  const limiter: Limiter = {
    take: async () => {
      asked += 1;
      const allow = free > 0;
      if (allow) free -= 1;
      return { allow, retryAfterSeconds: allow ? 0 : 1, remaining: free, resetSeconds: 1 };
    },
    reset: () => Promise.resolve(),
  };
  return { makeLimiter: () => limiter, let: (count: number) => (free += count), asked: () => asked };
}

describe('pacing', { timeout: 20_000 }, () => {
  it('lets them through in the order they came, and only the first asks', async () => {
    const count = countedByHand();
    const pacing = createPacing(count.makeLimiter);
    const through: number[] = [];
    const all = [0, 1, 2, 3].map((one) => pacing.wait(channel(1_000), 'a').then(() => through.push(one)));
    count.let(2);
    await Promise.all(all.slice(0, 2));
    assert.deepEqual(through, [0, 1]);
    const askedBefore = count.asked();
    const since = performance.now();
    await until(async () => count.asked() - askedBefore >= 20, 'it is asked again and again');
    // One at the head of the line: about one question a millisecond, not one for each who waits.
    const [asked, ms] = [count.asked() - askedBefore, performance.now() - since];
    assert.ok(asked <= ms * 1.2 + 5, `${asked} in ${ms} ms`);
    count.let(2);
    await Promise.all(all);
    assert.deepEqual(through, [0, 1, 2, 3]);
  });

  it('puts off those that would wait for long, and takes them again when the line is short', async () => {
    const count = countedByHand();
    const pacing = createPacing(count.makeLimiter);
    const waiting = Array.from({ length: 20 }, () => pacing.wait(channel(10), 'a'));
    const later = await pacing.wait(channel(10), 'a');
    assert.ok(later !== undefined && later >= 2_000 && later <= 2_500, String(later));
    // Those behind it one after the other, as fast as the platform takes them.
    const behind = [await pacing.wait(channel(10), 'a'), await pacing.wait(channel(10), 'a')];
    assert.ok(behind[1] !== undefined && behind[1] - later > 150 && behind[1] - later <= 200, String(behind));
    // Another inbox of the channel has a line of its own.
    count.let(100);
    assert.equal(await pacing.wait(channel(10), 'b'), undefined);
    await Promise.all(waiting);
    assert.equal(await pacing.wait(channel(10), 'a'), undefined);
  });

  it('holds nobody where the platform names no limit', async () => {
    const count = countedByHand();
    assert.equal(await createPacing(count.makeLimiter).wait(channel(), 'a'), undefined);
    assert.equal(count.asked(), 0);
  });
});
