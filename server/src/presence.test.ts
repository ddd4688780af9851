import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Member } from '@parley/contract';
import { connect, startTestApp, until } from './test/app.ts';
import type { TestApp } from './test/app.ts';
import { stays } from './test/stays.ts';

describe('who is shown as present', () => {
  let test: TestApp;
  before(async () => {
    test = await startTestApp({}, { pace: { leaveAfterMs: 100 } });
  });
  after(() => test?.close());

  const shown = async (): Promise<string | undefined> =>
    (await test.owner<Member[]>('GET', '/members')).data[0]?.presence;

  it('is nobody without a socket, also when the process they were connected to died', async () => {
    const { call, close } = await connect(test.url, { token: test.ownerToken });
    await call('agent:join', { status: 'online' });
    assert.equal(await shown(), 'online');
    // Those who are gone are looked for every 200 ms, and leave 100 ms later.
    await stays(async () => (await shown()) === 'online', 'with a socket one stays', 500);
    close();
    await until(async () => (await shown()) === 'offline', 'who left is gone');
    // What a process that died leaves behind: present, and no socket anywhere.
    const set = await test.owner<Member>('PATCH', '/me/presence', { presence: 'online' });
    assert.equal(set.data.presence, 'online');
    await until(async () => (await shown()) === 'offline', 'who is nowhere is gone');
  });
});
