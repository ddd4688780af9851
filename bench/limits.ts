/**
 * `REDIS_URL=… npm run bench -- limits`: one look at a bucket shared by all processes, beside one bare PING on the same
 * Redis in the same run; then by 50 clients at once, and in this process alone. Bar: p50 at most 0.3 ms.
 */
import { randomUUID } from 'node:crypto';
import { createLimiter } from '../server/src/platform/limiter.ts';
import { createLogger } from '../server/src/platform/log.ts';
import { openRedis } from '../server/src/platform/redis.ts';
import { createSharedLimits } from '../server/src/platform/shared-limits.ts';
import { line, ms, summarise } from './lib/stats.ts';

const CALLS = 10_000;
const CLIENTS = 50;
const url = process.env.REDIS_URL;
if (!url) throw new Error('REDIS_URL takes the address of the Redis to measure');

/** Times `work` `count` times, one after the other. */
async function timeSerially(count: number, work: (index: number) => Promise<unknown>): Promise<number[]> {
  const durations: number[] = [];
  for (let index = 0; index < count; index++) {
    const started = performance.now();
    await work(index);
    durations.push(performance.now() - started);
  }
  return durations;
}

const redis = openRedis(url, (error) => {
  throw error;
});
await redis.ping();
const limits = createSharedLimits({ place: { url, prefix: 'parley:bench' }, log: createLogger({ level: 'fatal' }) });
const bucket = { capacity: 1_000_000, refillPerSecond: 1_000 };
const shared = limits.make(`bench-${randomUUID()}`, bucket);
const alone = createLimiter(bucket);
// Without Redis the limiter answers at once by itself, which must not be what is measured.
const empty = limits.make(`bench-${randomUUID()}`, { capacity: 1, refillPerSecond: 0.001 });
for (;;) {
  const key = randomUUID();
  await empty.take(key);
  await redis.ping();
  if ((await redis.keys(`parley:bench:limit:bench-*${key}`)).length > 0) break;
}

const keys = Array.from({ length: 1_000 }, (_unused, index) => `10.0.${index >> 8}.${index & 255}`);
const keyOf = (index: number): string => keys[index % keys.length] ?? '';
await timeSerially(1_000, (index) => shared.take(keyOf(index)));
const ping = summarise(await timeSerially(CALLS, () => redis.ping()));
const take = summarise(await timeSerially(CALLS, (index) => shared.take(keyOf(index))));
const local = summarise(await timeSerially(CALLS, (index) => alone.take(keyOf(index))));
const started = performance.now();
const together = await Promise.all(
  Array.from({ length: CLIENTS }, () => timeSerially(CALLS / CLIENTS, (index) => shared.take(keyOf(index)))),
);
const seconds = (performance.now() - started) / 1_000;

line('bare PING, p50', ms(ping.p50));
line('shared bucket, p50 (bar: 0.30 ms)', ms(take.p50));
line('shared bucket, p99', ms(take.p99));
line('shared bucket p50 / bare PING p50', (take.p50 / ping.p50).toFixed(2));
line(`shared bucket, ${CLIENTS} clients, p50`, ms(summarise(together.flat()).p50));
line(`shared bucket, ${CLIENTS} clients`, `${Math.round(CALLS / seconds)}/s`);
line('bucket in this process, p50', ms(local.p50));
limits.close();
redis.disconnect();
