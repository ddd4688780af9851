/** The product's two ways to start work, wired as the product wires them: a wake with its notifier, and jobs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { readConfig } from '../../server/src/settings.ts';
import { openDatabase } from '../../server/src/platform/data/index.ts';
import { connectNotifier } from '../../server/src/platform/cluster/connect.ts';
import { createJobs } from '../../server/src/platform/jobs/jobs.ts';
import { createLogger } from '../../server/src/platform/telemetry/log.ts';
import { createWake } from '../../server/src/platform/cluster/wake.ts';
import { THREAD } from '../../server/src/turn/threads.ts';
import { clusterSettings } from './product.ts';
import type { Cluster } from './profile.ts';

export type ProductQueues = {
  /** wakes a thread */
  wake(key: string): void;
  add(payload: { sentAt: number }): Promise<void>;
  close(): Promise<void>;
};

/** @param receive called where work begins: `wake` or `job`; without it this process only gives work to others */
export async function openProductQueues(
  servers: Pick<Cluster, 'databaseUrl' | 'redisUrl'> | undefined,
  receive?: (kind: 'wake' | 'job', sentAt: number) => void,
): Promise<ProductQueues> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  const log = createLogger({ level: 'fatal' });
  const config = readConfig({
    DATA_DIR: folder,
    ...(servers ? clusterSettings(servers) : {}),
  });
  const database = await openDatabase(config, log);
  const redis = servers && { url: servers.redisUrl, prefix: 'parley' };
  const wake = createWake();
  if (receive) wake.on(THREAD, (key) => receive('wake', Number(key.split(' ').at(-1))));
  const notifier = connectNotifier({ redis, database, wake, log, topics: { work: [THREAD], broadcast: [] } });
  const jobs = createJobs({ redis, database, log });
  const queue = jobs.define({
    name: 'bench',
    sentence: 'Nothing but its start.',
    schema: z.object({ sentAt: z.number() }),
    concurrency: 4,
  });
  if (receive) queue.process(async ({ sentAt }) => receive('job', sentAt));
  notifier?.start();
  await jobs.start();
  return {
    wake: (key) => wake.wake(THREAD, key),
    add: (payload) => queue.add(payload),
    async close() {
      await jobs.close();
      await notifier?.close();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
