import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { WebhookCreated, WebhookDelivery } from '@parley/contract';
import { connect, startTestApp, until } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';
import { startHttpDouble } from '../../test/doubles/http-double.ts';
import type { HttpDouble } from '../../test/doubles/http-double.ts';
import { join } from '../../test/security/world.ts';

type Report = {
  status: string;
  dependencies: Record<string, object>;
  breakers: Record<string, string>;
  targets?: Record<string, { attempts: number }>;
  jobs?: object;
  waiting?: { webhooks: number };
};

describe('who is told what of the health of an installation', () => {
  let test: TestApp;
  let receiver: HttpDouble;
  const target = (id: string) => `webhook:endpoint:${id}`;
  let mine: string;
  let theirs: string;
  let theirToken: string;

  before(async () => {
    receiver = await startHttpDouble(async (_request, response) => void response.end());
    test = await startTestApp({ PARLEY_WEBHOOKS_PRIVATE: '1' });
    const strangers = await test.stranger();
    theirToken = (await join(test, strangers.call, 'mallory@strangers.test', 'owner')).accessToken;
    const called = async (call: TestApp['owner']): Promise<string> => {
      const { data } = await call<WebhookCreated>('POST', '/webhooks', { url: receiver.url });
      await call('POST', `/webhooks/${data.id}/test`);
      await until(async () => {
        const log = await call<WebhookDelivery[]>('GET', `/webhooks/${data.id}/deliveries`);
        return log.data[0]?.state === 'delivered';
      }, 'a webhook was called');
      return data.id;
    };
    mine = await called(test.owner);
    theirs = await called(strangers.call);
  });
  after(async () => {
    await test?.close();
    await receiver?.close();
  });

  const health = async (token?: string): Promise<Report> => {
    const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
    return (await (await fetch(`${test.url}/health`, { headers })).json()) as Report;
  };
  const check = async (token: string): Promise<Report> => {
    const socket = await connect(test.url, { token });
    const answer = await socket.call<Report>('admin:health_check');
    socket.close();
    assert.ok(answer.success);
    return answer.data;
  };

  it('nobody: which parts work, by kind', async () => {
    for (const report of [await health(), await health('nonsense'), await health(theirToken)]) {
      assert.equal(report.breakers['webhook:endpoint'], 'closed');
      assert.deepEqual(report.dependencies.database, { status: 'up', needed: true });
      assert.ok(!JSON.stringify(report).includes(mine) && !JSON.stringify(report).includes(theirs));
      assert.deepEqual([report.targets, report.jobs], [undefined, undefined]);
    }
    const metrics = await (await fetch(`${test.url}/metrics`)).text();
    assert.ok(!metrics.includes(mine) && !metrics.includes(theirs));
  });

  it('owners of a workspace: their own part besides', async () => {
    const report = await check(theirToken);
    assert.deepEqual(Object.keys(report.targets ?? {}), [target(theirs)]);
    assert.equal(report.jobs, undefined);
    assert.equal(report.waiting?.webhooks, 0);
    assert.ok(!JSON.stringify(report).includes(mine));
  });

  it('an admin of the first workspace is not the operator', async () => {
    const report = await check((await join(test, test.owner, 'admin@acme.test', 'admin')).accessToken);
    assert.deepEqual(Object.keys(report.targets ?? {}), [target(mine)]);
    assert.equal(report.jobs, undefined);
  });

  it('the operator: everything', async () => {
    for (const report of [await check(test.ownerToken), await health(test.ownerToken)])
      assert.deepEqual(
        [target(mine), target(theirs)].map((name) => report.targets?.[name]?.attempts),
        [1, 1],
      );
    assert.ok((await check(test.ownerToken)).jobs);
  });
});
