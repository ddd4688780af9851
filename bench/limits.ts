/**
 * `npm run bench -- limits`: one look at a bucket shared by all processes, beside one bare PING on the same Redis in the
 * same run; in this process alone; and whether 50 clients in two processes are let in exactly as often as the bucket holds.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createLimiter } from '../server/src/platform/limits/limiter.ts';
import { createLogger } from '../server/src/platform/telemetry/log.ts';
import { openRedis } from '../server/src/platform/cluster/redis.ts';
import { createSharedLimits } from '../server/src/platform/limits/shared-limits.ts';
import { startChild } from './lib/child.ts';
import type { LimitClients } from './lib/limits-process.ts';
import { openClusterProfile } from './lib/profile.ts';
import { openReport } from './lib/report.ts';
import { summarise } from './lib/stats.ts';

const CALLS = 10_000;
const CLIENTS = 50;
const CAPACITY = 2_000;

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

const profile = await openClusterProfile();
const report = openReport(profile);
const redis = openRedis(profile.redisUrl, (error) => {
  throw error;
});
const limits = createSharedLimits({
  place: { url: profile.redisUrl, prefix: 'parley' },
  log: createLogger({ level: 'fatal' }),
});
const crowd = await Promise.all([1, 2].map(() => startChild<LimitClients>('limits-process.ts')));
try {
  const bucket = { capacity: 1_000_000, refillPerSecond: 1_000 };
  const shared = limits.make(`bench-${randomUUID()}`, bucket);
  const alone = createLimiter(bucket);
  // Without Redis the limiter answers at once by itself, which must not be what is measured.
  const before = await redis.dbsize();
  for (let tries = 0; (await redis.dbsize()) === before; tries++) {
    if (tries > 100) throw new Error('the limiter does not reach Redis');
    await shared.take(`first-${tries}`);
    await pause(50);
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
  const order = {
    redisUrl: profile.redisUrl,
    name: `bench-${randomUUID()}`,
    capacity: CAPACITY,
    clients: CLIENTS / 2,
    takes: 100,
  };
  const allowed = await Promise.all(crowd.map((child) => child.ask('drain', order)));

  report.figure('bare PING, p50', ping.p50, 'ms');
  report.figure('shared bucket, p50', take.p50, 'ms', { bar: { atMost: 0.3 } });
  report.figure('shared bucket, p99', take.p99, 'ms');
  report.figure('shared bucket p50 / bare PING p50', take.p50 / ping.p50, '×');
  report.figure(`shared bucket, ${CLIENTS} clients of one process`, CALLS / seconds, '/s');
  report.figure(`shared bucket, ${CLIENTS} clients of one process, p50`, summarise(together.flat()).p50, 'ms');
  report.figure('bucket in this process, p50', local.p50, 'ms');
  report.figure(
    `let in of ${(CLIENTS * order.takes).toString()} by ${CLIENTS} clients in two processes, more or fewer than the bucket's ${CAPACITY}`,
    Math.abs(allowed.reduce((sum, each) => sum + each, 0) - CAPACITY),
    '',
    { bar: { atMost: 0 } },
  );
  await report.close();
} finally {
  for (const child of crowd) await child.stop();
  limits.close();
  redis.disconnect();
  await profile.close();
}
