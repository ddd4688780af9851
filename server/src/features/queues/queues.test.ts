import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FailedJob, Me, Queue, Replayed } from '@parley/contract';
import { newId } from '../../platform/data/ids.ts';
import { startTestApp, until } from '../../test/app.ts';
import type { Call, TestApp } from '../../test/app.ts';

describe('queues', () => {
  let test: TestApp;
  let stranger: Call;

  before(async () => {
    test = await startTestApp();
    stranger = (await test.stranger()).call;
  });
  after(() => test?.close());

  const read = async (name: string): Promise<Queue> => {
    const { data } = await test.owner<Queue[]>('GET', '/queues');
    const found = data.find((queue) => queue.name === name);
    assert.ok(found, `there is a queue ${name}`);
    return found;
  };
  const failedJobs = (query = '') => test.owner<FailedJob[]>('GET', `/queues/fetch-files/failed${query}`);

  it('each is declared once, with a sentence', async () => {
    const { data } = await test.owner<Queue[]>('GET', '/queues');
    assert.deepEqual(data.map(({ name }) => name).sort(), [
      'email-send',
      'fetch-files',
      'knowledge',
      'release-conversations',
      'webhook-events',
      'webhooks',
    ]);
    for (const { name, sentence } of data) assert.match(sentence, /^[A-Z].{20,150}\.$/, name);
    assert.equal(new Set(data.map(({ sentence }) => sentence)).size, data.length);
  });

  it('are the operator’s: an owner of another workspace is refused, and is not told of the permission', async () => {
    for (const [method, path] of [
      ['GET', '/queues'],
      ['GET', '/queues/fetch-files/failed'],
      ['POST', '/queues/fetch-files/failed/x/replay'],
      ['POST', '/queues/fetch-files/replay'],
      ['POST', '/queues/fetch-files/pause'],
      ['POST', '/queues/fetch-files/resume'],
    ] as const) {
      assert.equal((await test.anonymous(method, path)).status, 401, path);
      assert.equal((await stranger(method, path)).status, 403, path);
    }
    assert.equal((await read('fetch-files')).paused, false);
    const [theirs, own] = await Promise.all([stranger<Me>('GET', '/me'), test.owner<Me>('GET', '/me')]);
    const ofQueues = ({ data }: typeof own): string[] => data.permissions.filter((one) => one.startsWith('queues:'));
    assert.equal(theirs.data.role, 'owner');
    assert.deepEqual(ofQueues(theirs), []);
    assert.deepEqual(ofQueues(own), ['queues:read', 'queues:write']);
  });

  it('one nobody declared is not found', async () => {
    for (const [method, path] of [
      ['GET', '/queues/nothing/failed'],
      ['POST', '/queues/nothing/replay'],
      ['POST', '/queues/nothing/failed/x/replay'],
      ['POST', '/queues/nothing/pause'],
      ['POST', '/queues/__proto__/resume'],
      ['POST', '/queues/fetch-files/failed/no-such-job/replay'],
    ] as const)
      assert.equal((await test.owner(method, path)).status, 404, path);
  });

  it('can be paused and resumed', async () => {
    const paused = await test.owner<Queue>('POST', '/queues/knowledge/pause');
    assert.equal(paused.status, 200);
    assert.equal(paused.data.paused, true);
    assert.equal((await read('fetch-files')).paused, false);
    const resumed = await test.owner<Queue>('POST', '/queues/knowledge/resume');
    assert.equal(resumed.data.paused, false);
  });

  it('show failed jobs with their error and a payload without words, and run them again', async () => {
    const poison = { kind: 'image', caption: 'my secret words', url: 'https://x.example/?token=abcdefghijklmnop' };
    const facts = await Promise.all(
      ['photo', 'paper'].map(async (type) => {
        const fact = {
          id: newId(),
          workspaceId: newId(),
          type: 'message.received',
          subjectId: newId(),
          payload: { ...poison, type },
          requestId: null,
        };
        await test.app.jobs.add('fetch-files', fact, { jobId: fact.id });
        return fact;
      }),
    );
    const ids = facts.map(({ id }) => id).sort();
    await until(async () => (await read('fetch-files')).counts.failed === 2, 'both are dead', 30_000);
    const { data, meta } = await failedJobs();
    assert.deepEqual(meta, { page: 1, limit: 50, total: 2 });
    assert.deepEqual(data.map(({ id }) => id).sort(), ids);
    for (const job of data) {
      // A payload nobody can read is not tried again.
      assert.equal(job.attempts, 1);
      assert.ok(job.error.length > 0 && job.failedAt && job.requestId);
      const shown = JSON.stringify(job.payload);
      assert.ok(!/secret words|abcdefghijklmnop/.test(JSON.stringify(job)), shown);
      assert.ok(shown.includes(job.id) && shown.includes('message.received'));
    }
    assert.equal((await failedJobs('?limit=1&page=2')).data.length, 1);
    assert.equal((await failedJobs('?limit=1&page=3')).data.length, 0);

    // While the queue is paused a replayed job waits.
    await test.owner('POST', '/queues/fetch-files/pause');
    const one = await test.owner<Replayed>('POST', `/queues/fetch-files/failed/${ids[0]}/replay`);
    assert.deepEqual([one.status, one.data], [200, { replayed: 1 }]);
    assert.equal((await test.owner('POST', `/queues/fetch-files/failed/${ids[0]}/replay`)).status, 404);
    assert.deepEqual((await read('fetch-files')).counts, {
      waiting: 1,
      active: 0,
      delayed: 0,
      completed: 0,
      failed: 1,
    });
    assert.ok(((await read('fetch-files')).oldestWaitingMs ?? 0) > 0);
    const all = await test.owner<Replayed>('POST', '/queues/fetch-files/replay');
    assert.deepEqual(all.data, { replayed: 1 });
    assert.equal((await read('fetch-files')).counts.waiting, 2);
    await test.owner('POST', '/queues/fetch-files/resume');
    await until(async () => (await read('fetch-files')).counts.failed === 2, 'they ran, and failed again', 30_000);
  });
});
