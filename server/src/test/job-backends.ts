import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { z } from 'zod';
import { newId } from '../platform/data/ids.ts';
import { createJobs } from '../platform/jobs/jobs.ts';
import type { Jobs, JobsOptions } from '../platform/jobs/jobs.ts';
import { createLogger } from '../platform/telemetry/log.ts';
import { redisNamespace } from '../platform/cluster/redis.ts';
import type { RedisNamespace } from '../platform/cluster/redis.ts';
import { forgetInRedis } from './app.ts';
import { createTestDatabase } from './database.ts';
import type { TestDatabase } from './database.ts';

export type JobServer = {
  data: TestDatabase;
  redis: RedisNamespace | undefined;
  /** Everything the jobs keep is gone, as after an emptied Redis; the product's tables are not. */
  wipe(): Promise<void>;
  remove(): Promise<void>;
};
export type JobServerKind = { name: string; open(): Promise<JobServer> };

/** Empties the library's schema as an administrator would. */
async function wipeTables(data: TestDatabase): Promise<void> {
  await data.database.asOwner(async (client) => {
    const { rows } = await client.query<{ names: string }>(
      `select string_agg(format('bullmq.%I', tablename), ', ') as names from pg_tables
       where schemaname = 'bullmq' and tablename not like '%migration%'`,
    );
    await client.query(`truncate ${rows[0]?.names ?? ''} cascade`);
  });
}

function onDatabase(server: string | null) {
  return async (): Promise<JobServer> => {
    const data = await createTestDatabase(undefined, server);
    return { data, redis: undefined, wipe: () => wipeTables(data), remove: () => data.remove() };
  };
}

function onRedis(url: string) {
  return async (): Promise<JobServer> => {
    const data = await createTestDatabase(undefined, null);
    const redis = redisNamespace(url, newId());
    const wipe = async (): Promise<void> => {
      if (redis) await forgetInRedis(redis.url, redis.prefix);
    };
    return {
      data,
      redis,
      wipe,
      async remove() {
        await wipe();
        await data.remove();
      },
    };
  };
}

const { TEST_DATABASE_URL: databaseUrl, TEST_REDIS_URL: redisUrl } = process.env;

/** Wherever jobs can live: in the embedded database always, on real servers where they are named. */
export const jobServers: JobServerKind[] = [
  { name: 'the embedded database', open: onDatabase(null) },
  ...(databaseUrl ? [{ name: 'PostgreSQL', open: onDatabase(databaseUrl) }] : []),
  ...(redisUrl ? [{ name: 'Redis', open: onRedis(redisUrl) }] : []),
];

/**
 * For a `describe`: a server of this kind, and what stands for processes on it. They, and whatever else is pushed to
 * `open`, are closed after each test, the youngest first.
 */
export function onServer(kind: JobServerKind) {
  let opened: JobServer | undefined;
  const open: { close(): Promise<void> }[] = [];
  before(async () => void (opened = await kind.open()));
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });
  after(() => opened?.remove());
  const server = (): JobServer => {
    assert.ok(opened);
    return opened;
  };
  return {
    server,
    open,
    /** What one process has. */
    begin(options: Pick<JobsOptions, 'drainMs' | 'lookMs' | 'askDatabase'> = {}): Jobs {
      const { redis, data } = server();
      const jobs = createJobs({ redis, database: data.database, log: createLogger({ level: 'silent' }), ...options });
      open.push(jobs);
      return jobs;
    },
  };
}

const greeting = z.object({ text: z.string() });
export const newName = (): string => `test-${newId()}`;
export const definition = (name: string) => ({
  name,
  sentence: 'Greets.',
  schema: greeting,
  concurrency: 2,
  backoffMs: 20,
});

/** Collects what handlers saw; `reached(n)` resolves when there are n. */
export function collector<T>() {
  const seen: T[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  return {
    seen,
    push(item: T): void {
      seen.push(item);
      for (const { count, resolve } of waiting) if (seen.length >= count) resolve();
    },
    reached: (count: number): Promise<void> =>
      new Promise((resolve) => (seen.length >= count ? resolve() : waiting.push({ count, resolve }))),
  };
}
