/**
 * Which servers a benchmark runs on. With DATABASE_URL and REDIS_URL: the cluster profile, on a database and a Redis
 * number of its own, both gone at the end. Without, or with `--embedded`: nothing but this machine's files.
 */
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { createDatabase } from '../../server/src/test/servers.ts';

export type Cluster = {
  name: 'cluster';
  databaseUrl: string;
  redisUrl: string;
  client: Client;
  close(): Promise<void>;
};
export type Profile = { name: 'embedded'; close(): Promise<void> } | Cluster;

const nothing = async (): Promise<void> => undefined;

export async function openProfile(only?: 'cluster'): Promise<Profile> {
  const { DATABASE_URL, REDIS_URL } = process.env;
  const wanted = only === 'cluster' || process.argv.includes('--cluster');
  if (wanted && !(DATABASE_URL && REDIS_URL)) {
    throw new Error('the cluster profile takes a PostgreSQL in DATABASE_URL and a Redis in REDIS_URL');
  }
  if (!DATABASE_URL || !REDIS_URL || process.argv.includes('--embedded')) return { name: 'embedded', close: nothing };
  return openCluster(DATABASE_URL, REDIS_URL);
}

/** @throws outside of the cluster profile: the benchmark has no other */
export async function openClusterProfile(): Promise<Cluster> {
  const profile = await openProfile('cluster');
  if (profile.name !== 'cluster') throw new Error('this benchmark runs on PostgreSQL and Redis only');
  return profile;
}

async function openCluster(server: string, redis: string): Promise<Cluster> {
  const own = await claimRedis(redis);
  const database = await createDatabase(server, 'bench');
  const client = new Client({ connectionString: database.url });
  await client.connect();
  return {
    name: 'cluster',
    databaseUrl: database.url,
    redisUrl: own.url,
    client,
    async close() {
      await client.end();
      await database.drop();
      await own.release();
    },
  };
}

/** A number of the Redis server that nothing is kept under. */
async function claimRedis(server: string): Promise<{ url: string; release(): Promise<void> }> {
  for (let number = 15; number > 0; number--) {
    const url = new URL(server);
    url.pathname = `/${number}`;
    const redis = new Redis(url.href);
    const isOurs =
      (await redis.dbsize()) === 0 &&
      (await redis.set('bench:claimed', process.pid, 'EX', 7_200, 'NX')) === 'OK' &&
      (await redis.dbsize()) === 1;
    if (!isOurs) {
      redis.disconnect();
      continue;
    }
    const release = async (): Promise<void> => {
      for (let cursor = '0'; ;) {
        const [next, keys] = await redis.scan(cursor, 'COUNT', 1_000);
        if (keys.length > 0) await redis.unlink(keys);
        if (next === '0') break;
        cursor = next;
      }
      redis.disconnect();
    };
    return { url: url.href, release };
  }
  throw new Error('every number of this Redis holds keys; free one, or name another Redis');
}
