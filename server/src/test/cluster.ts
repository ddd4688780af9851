import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { OWNER } from './app.ts';
import { startParley } from './process.ts';
import type { ParleyProcess } from './process.ts';
import { createMigratedDatabase, SECRETS } from './servers.ts';

/** Where a cluster can be started: both real servers are named. */
export const clusterServers =
  process.env.TEST_DATABASE_URL && process.env.TEST_REDIS_URL
    ? { databaseUrl: process.env.TEST_DATABASE_URL, redisUrl: process.env.TEST_REDIS_URL }
    : undefined;

export type Cluster = {
  apis: ParleyProcess[];
  workers: ParleyProcess[];
  /** the database all of them share, as its owner */
  query<Row>(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
};

/** Real processes with roles of their own, started all at once on one fresh database. */
export async function startCluster(
  servers: { databaseUrl: string; redisUrl: string },
  count: { apis: number; workers: number },
  env: Record<string, string>,
): Promise<Cluster> {
  const own = await createMigratedDatabase(servers.databaseUrl, 'cluster');
  const client = new Client({ connectionString: own.url });
  await client.connect();
  const folders: string[] = [];
  const processes: ParleyProcess[] = [];

  async function close(): Promise<void> {
    await Promise.all(processes.map((one) => one.end('SIGKILL')));
    await client.end();
    await own.drop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }

  async function start(roles: string): Promise<ParleyProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-cluster-'));
    folders.push(folder);
    const started = await startParley({
      DATA_DIR: folder,
      PORT: '0',
      PARLEY_ROLES: roles,
      PARLEY_DEMO: '0',
      PARLEY_OWNER_EMAIL: OWNER.email,
      PARLEY_OWNER_PASSWORD: OWNER.password,
      DATABASE_URL: own.url,
      REDIS_URL: servers.redisUrl,
      ...SECRETS,
      ...env,
    });
    processes.push(started);
    return started;
  }

  const many = (roles: string, wanted: number) =>
    Promise.allSettled(Array.from({ length: wanted }, () => start(roles)));
  const [apis, workers] = await Promise.all([many('api', count.apis), many('worker', count.workers)]);
  const failure = [...apis, ...workers].find((result) => result.status === 'rejected');
  if (failure) {
    await close();
    throw failure.reason;
  }
  const started = (results: typeof apis) =>
    results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  return {
    apis: started(apis),
    workers: started(workers),
    query: async <Row>(text: string, values: unknown[] = []) => (await client.query(text, values)).rows as Row[],
    close,
  };
}
