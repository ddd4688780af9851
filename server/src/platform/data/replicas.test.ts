import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { Client } from 'pg';
import { until } from '../../test/until.ts';
import { startReplicatedServer } from '../../test/postgres.ts';
import type { ReplicatedServer } from '../../test/postgres.ts';
import { startProxy } from '../../test/proxy.ts';
import type { Proxy } from '../../test/proxy.ts';
import { createTestDatabase } from '../../test/database.ts';
import { openDatabase } from './index.ts';
import type { Database } from './index.ts';
import { createLogger } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createReplicas, replicaAt } from './replicas.ts';
import type { Replicas } from './replicas.ts';
import { createStore } from './tenant.ts';
import type { Store } from './tenant.ts';

const log = createLogger({ level: 'silent' });
const ACME = '01890000-0000-7000-8000-00000000000a';
const MALLORY = '01890000-0000-7000-8000-00000000000b';

const testUrl = process.env.TEST_DATABASE_URL;
const server = testUrl ? await startReplicatedServer(testUrl) : 'TEST_DATABASE_URL is not set';

describe('heavy reads without a replica', () => {
  it('are those of the database, and read only', async () => {
    const test = await createTestDatabase();
    const store = createStore(test.database);
    await store.asSystem((tx) => tx.execute(sql`insert into workspaces (id, name) values (${ACME}, 'Acme')`));
    const names = await store.read(ACME, (tx) => tx.execute<{ name: string }>(sql`select name from workspaces`));
    assert.deepEqual(names.rows, [{ name: 'Acme' }]);
    await assert.rejects(
      store.read(ACME, (tx) => tx.execute(sql`update workspaces set name = 'Changed'`)),
      (error: Error) => /read-only/.test(String(error.cause)),
    );
    await test.remove();
  });
});

if (typeof server === 'string') {
  console.log(`# reads from a real streaming replica were left out: ${server}`);
} else {
  replicaTests(server);
}

function replicaTests(servers: ReplicatedServer): void {
  describe('heavy reads from a streaming replica', () => {
    let database: Database;
    let other: Database;
    let proxy: Proxy;
    let replicas: Replicas;
    let store: Store;
    /** of another process, which shares nothing with the first */
    let writer: Store;
    let replica: Client;
    const metrics = createMetrics({ defaults: false });

    before(async () => {
      const config = { dataDir: '/nowhere', database: { url: servers.primaryUrl, replicaUrls: [] } };
      database = await openDatabase(config, log);
      other = await openDatabase(config, log);
      proxy = await startProxy(servers.replicaUrl);
      const one = replicaAt(database, config, proxy.url, 1);
      replicas = createReplicas({ primary: database.pool, replicas: [one], log, metrics });
      store = createStore(database, replicas);
      writer = createStore(other);
      for (const [id, name] of [
        [ACME, 'Acme'],
        [MALLORY, 'Strangers'],
      ])
        await writer.asSystem((tx) => tx.execute(sql`insert into workspaces (id, name) values (${id}, ${name})`));
      replicas.start();
      await isUp();
      replica = await connectReplica();
    });
    after(async () => {
      replicas?.close();
      await replica?.end();
      for (const one of [database, other]) await one?.close();
      await proxy?.close();
      await servers.close();
    });

    async function connectReplica(): Promise<Client> {
      const client = new Client({ connectionString: servers.replicaUrl });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    }
    const stateNow = () => replicas.report()[0]?.state;
    const isUp = () => until(async () => stateNow() === 'up', 'the replica is up');
    const isDown = () => until(async () => stateNow() === 'down', 'the replica is down');
    const write = (count: number) =>
      writer.inWorkspace(ACME, (tx) => tx.execute(sql`update workspaces set name = ${`name ${count}`}`));
    const read = async () => {
      const { rows } = await store.read(ACME, (tx) =>
        tx.execute<{ name: string; standby: boolean; role: string }>(
          sql`select name, pg_is_in_recovery() as standby, current_user::text as role from workspaces`,
        ),
      );
      assert.equal(rows.length, 1, 'one workspace and no other');
      return rows[0];
    };
    const fromReplica = async (): Promise<number> => {
      const { values } = await metrics.heavyReads.get();
      return values.find(({ labels }) => labels.from === 'replica')?.value ?? 0;
    };

    it('go there, as the same role, into one workspace', async () => {
      assert.deepEqual(await read(), { name: 'Acme', standby: true, role: 'parley_app' });
      const stranger = await store.read(MALLORY, (tx) =>
        tx.execute<{ name: string }>(sql`select name from workspaces`),
      );
      assert.deepEqual(stranger.rows, [{ name: 'Strangers' }]);
      const denied = store.read(ACME, (tx) => tx.execute(sql`update workspaces set name = 'Changed'`));
      await assert.rejects(denied, (error: Error) => /read-only/.test(String(error.cause)));
    });

    it('see every write that was answered before, of any process', async () => {
      const before = await fromReplica();
      for (let count = 0; count < 100; count += 1) {
        await write(count);
        assert.equal((await read())?.name, `name ${count}`);
      }
      const there = (await fromReplica()) - before;
      assert.ok(there >= 50, `only ${there} of 100 went to the replica`);
    });

    it('go to the primary while the replica lags, and lack nothing', async () => {
      await replica.query('select pg_wal_replay_pause()');
      for (let count = 200; count < 210; count += 1) {
        await write(count);
        assert.deepEqual(await read(), { name: `name ${count}`, standby: false, role: 'parley_app' });
      }
      await until(async () => (replicas.report()[0]?.lagBytes ?? 0) > 0, 'the lag is told');
      await replica.query('select pg_wal_replay_resume()');
      await until(async () => (await read())?.standby, 'reads go to the replica again');
      assert.equal((await read())?.name, 'name 209');
    });

    it('do not fail when the replica dies under them, and come back to it', async () => {
      const reads = Array.from({ length: 5 }, () =>
        store.read(ACME, async (tx) => {
          await tx.execute(sql`select pg_sleep(0.6)`);
          return (await tx.execute<{ name: string }>(sql`select name from workspaces`)).rows[0]?.name;
        }),
      );
      await until(async () => {
        const { rows } = await replica.query(
          `select from pg_stat_activity where state = 'active' and query like 'select pg_sleep%'`,
        );
        return rows.length > 0;
      }, 'they are under way');
      await servers.killReplica();
      assert.deepEqual(new Set(await Promise.all(reads)), new Set(['name 209']));
      assert.equal((await read())?.standby, false);
      await isDown();
      await servers.startReplica();
      await until(async () => (await read())?.standby, 'reads go to the replica again', 40_000);
      replica = await connectReplica();
    });

    it('do not wait for one that is frozen', async () => {
      await isUp();
      await read();
      proxy.freeze();
      const frozen = read();
      assert.equal((await frozen)?.standby, false);
      await isDown();
      proxy.mend();
      await until(async () => (await read())?.standby, 'reads go to the replica again', 40_000);
    });

    it('never go to a server that became a primary, however much it looks alike', async () => {
      await isUp();
      await servers.promoteReplica();
      await isDown();
      await replica.query(`update workspaces set name = 'of another history'`);
      for (let count = 300; count < 310; count += 1) {
        await write(count);
        assert.deepEqual(await read(), { name: `name ${count}`, standby: false, role: 'parley_app' });
      }
    });
  });
}
