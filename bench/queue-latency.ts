/**
 * `npm run bench -- queue-latency`: from the wish for work to its start. Cluster: a thread's wake and a job, each from
 * one process to another through Redis, beside a job of bare BullMQ between the same two processes. Embedded: both in
 * one process, on the embedded database. One piece of work every few milliseconds, so that none waits for another.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { now, startChild } from './lib/child.ts';
import { openProductQueues } from './lib/product-queues.ts';
import { openProfile } from './lib/profile.ts';
import type { Cluster } from './lib/profile.ts';
import type { QueueEnd } from './lib/queue-process.ts';
import { openReport, some } from './lib/report.ts';
import { summarise } from './lib/stats.ts';

const PIECES = some(1_000);
const ROUNDS = some(3);
const GAP_MS = 5;

/** Gives work at its pace, then waits until all of it has begun. */
async function pour(give: () => unknown, begun: () => Promise<number>): Promise<void> {
  for (let index = 0; index < PIECES; index++) {
    await give();
    await pause(GAP_MS);
  }
  for (let waited = 0; waited < 100 && (await begun()) < PIECES; waited++) await pause(50);
}

let thread = 0;
// Another thread each time: keys that are woken twice in one step begin once.
const keyNow = (): string => `workspace inbox thread-${thread++} ${now()}`;

const profile = await openProfile();
const report = openReport(profile);
try {
  await (profile.name === 'cluster' ? betweenProcesses(profile) : inOneProcess());
  await report.close();
} finally {
  await profile.close();
}

async function betweenProcesses({ databaseUrl, redisUrl }: Cluster): Promise<void> {
  const worker = await startChild<QueueEnd>('queue-process.ts');
  await worker.ask('start', { databaseUrl, redisUrl });
  const product = await openProductQueues({ databaseUrl, redisUrl });
  const connection = new Redis(redisUrl);
  const bare = new Queue<{ sentAt: number }>('bare', { connection });
  const gives = {
    bare: () => bare.add('bare', { sentAt: now() }),
    wake: () => product.wake(keyNow()),
    job: () => product.add({ sentAt: now() }),
  };
  const all = { bare: [] as number[], wake: [] as number[], job: [] as number[] };
  try {
    // Both ends have to have heard of each other.
    await pause(3_000);
    for (let round = 0; round <= ROUNDS; round++) {
      for (const kind of ['bare', 'wake', 'job'] as const) {
        const durations: number[] = [];
        await pour(gives[kind], async () => durations.push(...(await worker.ask('take', { kind }))));
        if (durations.length < PIECES) throw new Error(`${kind}: ${durations.length} of ${PIECES} began`);
        // The first round warms up.
        if (round > 0) all[kind].push(...durations);
      }
    }
  } finally {
    await worker.ask('stop', {});
    await product.close();
    await bare.close();
    // A connection that was handed in stays its giver's.
    connection.disconnect();
    await worker.stop();
  }
  const [plain, wake, job] = [summarise(all.bare), summarise(all.wake), summarise(all.job)];
  report.figure('bare BullMQ on Redis, add to start, p50', plain.p50, 'ms');
  report.figure('bare BullMQ on Redis, add to start, p99', plain.p99, 'ms');
  report.figure('wake of a thread to its start in another process, p50', wake.p50, 'ms');
  report.figure('wake of a thread to its start in another process, p99', wake.p99, 'ms');
  report.figure('job added to its start in another process, p50', job.p50, 'ms');
  report.figure('job added to its start in another process, p99', job.p99, 'ms');
  report.figure('wake p99 / bare BullMQ p99', wake.p99 / plain.p99, '×', { bar: { atMost: 4 } });
  report.figure('job p99 / bare BullMQ p99', job.p99 / plain.p99, '×', { bar: { atMost: 4 } });
}

async function inOneProcess(): Promise<void> {
  const taken = { wake: [] as number[], job: [] as number[] };
  const product = await openProductQueues(undefined, (kind, sentAt) => taken[kind].push(now() - sentAt));
  const gives = { wake: () => product.wake(keyNow()), job: () => product.add({ sentAt: now() }) };
  try {
    for (const kind of ['wake', 'job'] as const) {
      await pour(gives[kind], async () => taken[kind].length);
      taken[kind].length = 0;
      await pour(gives[kind], async () => taken[kind].length);
      if (taken[kind].length < PIECES) throw new Error(`${kind}: ${taken[kind].length} of ${PIECES} began`);
    }
  } finally {
    await product.close();
  }
  const [wake, job] = [summarise(taken.wake), summarise(taken.job)];
  report.figure('wake of a thread to its start, p50', wake.p50, 'ms');
  report.figure('wake of a thread to its start, p99', wake.p99, 'ms', { bar: { atMost: 25 } });
  report.figure('job added to its start, p50', job.p50, 'ms');
  report.figure('job added to its start, p99', job.p99, 'ms', { bar: { atMost: 25 } });
}
