import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { until } from '../../test/until.ts';
import { startProxy } from '../../test/proxy.ts';
import { createLogger } from '../telemetry/log.ts';
import { createSharedLimits, openLimits } from './shared-limits.ts';

const log = createLogger({ level: 'silent' });
const redisUrl = process.env.TEST_REDIS_URL;
const LIMITS = new URL('./shared-limits.ts', import.meta.url).href;
const LOG = new URL('../telemetry/log.ts', import.meta.url).href;

/** Fifty clients in a process of their own take what they get, as fast as they can. */
const CLIENTS = `
const { createSharedLimits } = await import(${JSON.stringify(LIMITS)});
const { createLogger } = await import(${JSON.stringify(LOG)});
const [url, prefix, name] = process.argv.slice(1);
const limits = createSharedLimits({ place: { url, prefix }, log: createLogger({ level: 'silent' }) });
const limiter = limits.make(name, { capacity: 500, refillPerSecond: 0.001 });
// What one has used up the other is refused only when both are counted by Redis.
const other = createSharedLimits({ place: { url, prefix }, log: createLogger({ level: 'silent' }) });
const [mine, theirs] = [limits, other].map((one) => one.make(name + ' probe', { capacity: 1, refillPerSecond: 0.001 }));
for (let key = 0, allow = true; allow; key += 1) {
  await mine.take(process.pid + ' ' + key);
  await new Promise(setImmediate);
  ({ allow } = await theirs.take(process.pid + ' ' + key));
}
other.close();
let allowed = 0;
await Promise.all(Array.from({ length: 50 }, async () => {
  for (let index = 0; index < 20; index += 1) if ((await limiter.take('one address')).allow) allowed += 1;
}));
limits.close();
console.log(allowed);
`;

describe('limits without Redis', () => {
  it('are those of this process', async () => {
    const limits = openLimits({ redis: undefined, log });
    const limiter = limits.make('any', { capacity: 1, refillPerSecond: 0.1 });
    assert.partialDeepStrictEqual(await limiter.take('a'), { allow: true, retryAfterSeconds: 0 });
    assert.partialDeepStrictEqual(await limiter.take('a'), { allow: false, retryAfterSeconds: 10 });
    limits.close();
  });
});

if (redisUrl) {
  const prefix = `parley:test:${randomUUID()}`;
  describe('limits of several processes', () => {
    async function open(url = redisUrl ?? '') {
      const limits = createSharedLimits({ place: { url, prefix }, log });
      const probe = limits.make(randomUUID(), { capacity: 1, refillPerSecond: 0.001 });
      const other = createSharedLimits({ place: { url: redisUrl ?? '', prefix }, log });
      await until(async () => {
        const key = randomUUID();
        await probe.take(key);
        return !(await probe.take(key)).allow;
      }, 'Redis counts');
      return { limits, other, name: randomUUID(), close: () => [limits, other].forEach((one) => one.close()) };
    }

    it('two processes with fifty clients each get exactly what there is', async () => {
      const name = randomUUID();
      const run = promisify(execFile);
      const outputs = await Promise.all(
        [1, 2].map(() =>
          run(process.execPath, ['--input-type=module', '--eval', CLIENTS, redisUrl, prefix, name], {
            timeout: 60_000,
          }),
        ),
      );
      const allowed = outputs.map(({ stdout }) => Number(stdout));
      assert.equal(
        allowed.reduce((sum, count) => sum + count, 0),
        500,
        allowed.join(' + '),
      );
    });

    it('costs, refusals, gifts and forgetting are as in one process', async () => {
      const { limits, name, close } = await open();
      const limiter = limits.make(name, { capacity: 3, refillPerSecond: 0.5 });
      assert.equal((await limiter.take('a', 4)).allow, false, 'more than there ever is');
      assert.equal((await limiter.take('a', 3)).allow, true);
      for (let index = 0; index < 20; index += 1) {
        assert.partialDeepStrictEqual(
          await limiter.take('a'),
          { allow: false, retryAfterSeconds: 2 },
          'hammering changes nothing',
        );
      }
      await limiter.take('a', -1);
      assert.equal((await limiter.take('a')).allow, true, 'what was given back');
      assert.equal((await limiter.take('b', 3)).allow, true, 'another key');
      await limiter.take('c', -5);
      assert.equal((await limiter.take('c', 4)).allow, false, 'a gift fills no bucket beyond its brim');
      await limiter.reset('a');
      assert.equal((await limiter.take('a', 3)).allow, true);
      close();
    });

    it('a bucket fills again by the clock of Redis', async () => {
      const { limits, name, close } = await open();
      const limiter = limits.make(name, { capacity: 2, refillPerSecond: 20 });
      assert.equal((await limiter.take('a', 2)).allow, true);
      assert.equal((await limiter.take('a', 2)).allow, false);
      await until(async () => (await limiter.take('a', 2)).allow, 'it is full again');
      close();
    });

    it('without Redis every process counts alone, at once, and together again afterwards', async () => {
      const proxy = await startProxy(redisUrl);
      const { limits, other, name, close } = await open(proxy.url);
      const bucket = { capacity: 2, refillPerSecond: 0.001 };
      const [mine, theirs] = [limits.make(name, bucket), other.make(name, bucket)];
      await until(async () => !(await theirs.take('a', 1)).allow, 'the others used it up');
      assert.equal((await mine.take('a')).allow, false);
      proxy.cut();
      await until(async () => (await mine.take('a')).allow, 'this process counts alone');
      await mine.take('a');
      assert.equal((await mine.take('a')).allow, false, 'and not without bounds');
      proxy.mend();
      await until(async () => {
        const key = randomUUID();
        await theirs.take(key, 2);
        return !(await mine.take(key)).allow;
      }, 'they count together again');
      close();
      await proxy.close();
    });
  });
}
