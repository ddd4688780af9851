import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Login, Member, Workspace } from '@parley/contract';
import { z } from 'zod';
import { becomeOwner, dataOf, failureOf, startPeople } from '../sessions/test-people.ts';
import type { People } from '../sessions/test-people.ts';

describe('workspaces', () => {
  let people: People;
  let owner: Login;
  let agent: Login;
  let other: Workspace;

  before(async () => {
    people = await startPeople();
    owner = await becomeOwner(people);
    agent = await people.join(owner, 'agent@acme.test', 'agent');
    other = dataOf(
      await people.call('POST', '/workspaces', { as: agent, body: { name: ' Ünïcode 公司 ' } }),
      Workspace,
    );
  });
  after(() => people.close());

  const change = (as: Login, id: string | null, body: object) =>
    people.call('PATCH', `/workspaces/${id}`, { as, body });

  it('are changed by nobody else, and not there for outsiders', async () => {
    assert.equal(failureOf(await change(agent, agent.workspaceId, { name: 'Mine' })), '403 forbidden');
    assert.equal(failureOf(await change(owner, other.id, { name: 'Mine' })), '404 not_found');
    assert.equal(failureOf(await change(owner, other.id, {})), '404 not_found');
    assert.equal(failureOf(await people.call('GET', `/workspaces/${other.id}`, { as: owner })), '404 not_found');
    assert.equal(failureOf(await people.call('POST', '/workspaces', { body: { name: 'X' } })), '401 unauthorized');
  });

  it('take known fields alone', async () => {
    for (const extra of [
      { id: other.id },
      { createdAt: '2020-01-01T00:00:00Z' },
      { plan: 'enterprise' },
      { workspaceId: other.id },
      { settings: {} },
    ]) {
      assert.equal(failureOf(await change(owner, owner.workspaceId, { name: 'X', ...extra })), '400 bad_request');
      assert.equal(
        failureOf(await people.call('POST', '/workspaces', { as: owner, body: { name: 'X', ...extra } })),
        '400 bad_request',
      );
    }
    for (const name of ['', '   ', '\u0000', 'x'.repeat(81), null, 1]) {
      assert.equal(failureOf(await change(owner, owner.workspaceId, { name })), '400 bad_request');
    }
  });

  it('are made, read and changed by their owner', async () => {
    assert.equal(other.name, 'Ünïcode 公司');
    const moved = dataOf(
      await people.call('POST', '/auth/switch', { as: agent, body: { workspaceId: other.id } }),
      Login,
    );
    assert.equal(moved.workspaces.find(({ id }) => id === other.id)?.role, 'owner');
    const changed = dataOf(await change(moved, other.id, { accent: 'teal' }), Workspace);
    assert.deepEqual([changed.name, changed.accent], ['Ünïcode 公司', 'teal']);
    assert.deepEqual(dataOf(await change(moved, other.id, {}), Workspace), changed);
    assert.deepEqual(dataOf(await people.call('GET', `/workspaces/${other.id}`, { as: moved }), Workspace), changed);
  });

  it('are as many as a person may have, however many are asked for at once, and whoever has them now', async () => {
    const maker = await people.join(owner, 'maker@acme.test', 'agent');
    const made = await Promise.all(
      Array.from({ length: 30 }, (_, number) =>
        people.call('POST', '/workspaces', { as: maker, body: { name: `No. ${number}` } }),
      ),
    );
    const refused = made.filter(({ status }) => status !== 201);
    assert.deepEqual([made.length - refused.length, refused.length], [20, 10]);
    for (const answer of refused) assert.equal(failureOf(answer), '409 limit_reached');
    // Handing one on makes no room the same day.
    const first = made.find(({ status }) => status === 201);
    assert.ok(first);
    const workspaceId = dataOf(first, Workspace).id;
    const there = dataOf(await people.call('POST', '/auth/switch', { as: maker, body: { workspaceId } }), Login);
    await people.join(there, 'heir@acme.test', 'owner');
    const members = z
      .array(Member)
      .parse(z.object({ data: z.unknown() }).parse((await people.call('GET', '/members', { as: there })).body).data);
    const own = members.find(({ email }) => email === 'maker@acme.test');
    assert.equal((await people.call('DELETE', `/members/${own?.id}`, { as: there })).status, 200);
    const again = await people.call('POST', '/workspaces', { as: maker, body: { name: 'One more' } });
    assert.equal(failureOf(again), '409 limit_reached');
    // Somebody else's is no matter.
    assert.equal((await people.call('POST', '/workspaces', { as: agent, body: { name: 'Mine' } })).status, 201);
  });
});
