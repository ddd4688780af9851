import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ApiKeyCreated, KnowledgeBase, Login } from '@parley/contract';
import { createCall, OWNER, startTestApp, until } from './test/app.ts';
import type { Answer, Call } from './test/app.ts';
import { clusterServers, startCluster } from './test/cluster.ts';
import type { Cluster } from './test/cluster.ts';
import { startReplicatedServer } from './test/postgres.ts';

async function ownerAt(url: string): Promise<Call> {
  const { status, data } = await createCall(() => url)<Login>('POST', '/auth/login', OWNER);
  assert.equal(status, 200);
  return createCall(() => url, data.accessToken);
}

if (clusterServers) {
  const servers = clusterServers;
  describe('API keys in two processes', () => {
    let cluster: Cluster;
    let urls: [string, string];
    let owner: Call;

    before(async () => {
      cluster = await startCluster(servers, { apis: 2, workers: 0 }, { PARLEY_API_LIMIT_FREE: '20' });
      const [one, two] = cluster.apis;
      assert.ok(one && two);
      urls = [one.url, two.url];
      owner = await ownerAt(one.url);
    });
    after(() => cluster?.close());

    const make = async () =>
      (await owner<ApiKeyCreated>('POST', '/api-keys', { name: 'A program', scopes: ['bots:read'] })).data;

    it('one that is revoked in one opens nothing in the other, at once', async () => {
      const { id, key } = await make();
      const elsewhere = createCall(() => urls[1], key);
      assert.equal((await elsewhere('GET', '/bots')).status, 200);
      assert.equal((await owner('DELETE', `/api-keys/${id}`)).status, 200);
      // Sooner than what the other process still believed by itself.
      await until(async () => (await elsewhere('GET', '/bots')).status === 401, 'it opens nothing', 20_000);
    });

    it('all keys of a workspace get what its plan allows and no more, over both', async () => {
      const keys = await Promise.all([make(), make()]);
      const started = performance.now();
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          createCall(() => urls[index % 2] ?? '', keys[(index >> 1) % 2]?.key)('GET', '/bots'),
        ),
      );
      const refilled = Math.ceil(((performance.now() - started) / 60_000) * 20);
      const allowed = answers.filter(({ status }) => status === 200);
      const refused = answers.filter(({ status }) => status === 429);
      assert.equal(allowed.length + refused.length, 60);
      // The test before this one used a few.
      assert.ok(allowed.length >= 10 && allowed.length <= 20 + refilled, String(allowed.length));
      for (const { headers } of refused) assert.ok(Number(headers.get('retry-after')) >= 1);
      assert.equal((await owner('GET', '/bots')).status, 200, 'people have their own');
    });
  });
}

const testUrl = process.env.TEST_DATABASE_URL;
const replicated = testUrl ? await startReplicatedServer(testUrl) : 'TEST_DATABASE_URL is not set';
if (typeof replicated === 'string') {
  console.log(`# the product on a real streaming replica was left out: ${replicated}`);
} else {
  describe('the product with a streaming replica', () => {
    after(() => replicated.close());

    it('reads lists there, misses nothing it wrote, tells its state, and goes on without it', async (context) => {
      const test = await startTestApp({
        DATABASE_URL: replicated.primaryUrl,
        DATABASE_REPLICA_URLS: replicated.replicaUrl,
      });
      context.after(() => test.close());
      const state = async () => {
        const health = (await (await fetch(`${test.url}/health`)).json()) as { replicas: { state: string }[] };
        return health.replicas[0]?.state;
      };
      const readThere = async () =>
        Number(
          /parley_heavy_reads_total\{from="replica"\} (\d+)/.exec(
            await (await fetch(`${test.url}/metrics`)).text(),
          )?.[1] ?? 0,
        );
      await until(async () => (await state()) === 'up', 'the replica is up');
      const base = (await test.owner<KnowledgeBase>('POST', '/knowledge-bases', { name: 'Base' })).data;
      const sources = (): Promise<Answer<{ id: string }[]>> => test.owner('GET', `/knowledge-bases/${base.id}/sources`);
      const before = await readThere();
      for (let count = 1; count <= 20; count += 1) {
        const made = { type: 'faq', question: `Question ${count}?`, answer: 'An answer.' };
        assert.equal((await test.owner('POST', `/knowledge-bases/${base.id}/sources`, made)).status, 201);
        assert.equal((await sources()).data.length, count);
      }
      assert.ok((await readThere()) > before, 'none was read there');
      await replicated.killReplica();
      assert.equal((await sources()).data.length, 20);
      await until(async () => (await state()) === 'down', 'the replica is down');
      assert.equal((await fetch(`${test.url}/health/ready`)).status, 200);
      assert.equal((await sources()).data.length, 20);
    });
  });
}
