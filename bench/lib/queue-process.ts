/** The end of `queue-latency` at which work begins: a process that is woken, by the product's wakes and jobs or by bare BullMQ. */
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { now, serve } from './child.ts';
import { openProductQueues } from './product-queues.ts';
import type { ProductQueues } from './product-queues.ts';

const taken: Record<string, number[]> = {};
const note = (kind: string, sentAt: number): void => void (taken[kind] ??= []).push(now() - sentAt);

let product: ProductQueues | undefined;

const functions = {
  async start({ databaseUrl, redisUrl }: { databaseUrl: string; redisUrl: string }): Promise<void> {
    product = await openProductQueues({ databaseUrl, redisUrl }, note);
    const worker = new Worker<{ sentAt: number }>('bare', async (job) => note('bare', job.data.sentAt), {
      connection: new Redis(redisUrl, { maxRetriesPerRequest: null }),
      concurrency: 4,
    });
    await worker.waitUntilReady();
  },
  async take({ kind }: { kind: string }): Promise<number[]> {
    const durations = taken[kind] ?? [];
    taken[kind] = [];
    return durations;
  },
  async stop(_input: Record<string, never>): Promise<void> {
    await product?.close();
  },
};
export type QueueEnd = typeof functions;
serve(functions);
