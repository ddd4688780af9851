import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Queue } from '@parley/contract';
import { Redis } from 'ioredis';
import { startTestApp } from './test/app.ts';
import type { TestApp } from './test/app.ts';

const redisUrl = process.env.TEST_REDIS_URL;

/** Of an installation, or of a test of the platform alone. */
const OURS = /^parley:(\d+:[0-9a-f]{12}|test|bench):/;
/** What we and our libraries name things when nobody says otherwise. Others may use this Redis, too. */
const NAMELESS = /^(parley|bull|socket\.io)/;

async function pausedQueues(test: TestApp): Promise<string[]> {
  const { data } = await test.owner<Queue[]>('GET', '/queues');
  return data.filter(({ paused }) => paused).map(({ name }) => name);
}

if (redisUrl) {
  describe('two installations on one Redis', () => {
    it('do not meet: everything of each carries its id, and what is done to one is not done to the other', async () => {
      const [one, other] = await Promise.all([startTestApp(), startTestApp()]);
      const redis = new Redis(redisUrl);
      try {
        const prefixes = [one, other].map(({ app }) => app.redis?.prefix ?? '');
        assert.notEqual(prefixes[0], prefixes[1]);
        for (const prefix of prefixes) assert.match(`${prefix}:`, OURS);

        await one.owner('POST', '/queues/fetch-files/pause');
        assert.deepEqual(await pausedQueues(one), ['fetch-files']);
        assert.deepEqual(await pausedQueues(other), []);

        assert.ok((await redis.keys(`${prefixes[0]}:jobs:*`)).length > 0);
        const keys = await redis.keys('*');
        assert.deepEqual(
          keys.filter((key) => NAMELESS.test(key) && !OURS.test(key)),
          [],
        );
        const channels = (await redis.pubsub('CHANNELS', '*')) as string[];
        assert.ok(prefixes.every((prefix) => channels.some((name) => name.startsWith(`${prefix}:wake:`))));
      } finally {
        redis.disconnect();
        await one.close();
        await other.close();
      }
    });
  });
}
