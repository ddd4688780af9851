import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Login, Workspace } from '@parley/contract';
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
});
