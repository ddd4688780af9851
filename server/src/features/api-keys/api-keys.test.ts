import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApiKey, ApiKeyCreated, ApiKeyScope, Login, Member, Workspace } from '@parley/contract';
import { hashToken } from '../../platform/data/ids.ts';
import { becomeOwner, dataOf, failureOf, startPeople } from '../sessions/test-people.ts';
import type { People } from '../sessions/test-people.ts';

describe('API keys', () => {
  let people: People;
  let owner: Login;
  let admin: Login;
  let agent: Login;
  /** the owner of another workspace */
  let stranger: Login;

  before(async () => {
    people = await startPeople();
    owner = await becomeOwner(people);
    admin = await people.join(owner, 'admin@acme.test', 'admin');
    agent = await people.join(owner, 'agent@acme.test', 'agent');
    const elsewhere = await people.join(owner, 'mallory@strangers.test', 'agent');
    const made = await people.call('POST', '/workspaces', { as: elsewhere, body: { name: 'Strangers' } });
    const body = { workspaceId: dataOf(made, Workspace).id };
    stranger = dataOf(await people.call('POST', '/auth/switch', { as: elsewhere, body }), Login);
  });
  after(() => people.close());

  const create = (as: Login | string, body: object) => people.call('POST', '/api-keys', { as, body });
  const make = async (as: Login, scopes: ApiKeyScope[], name = 'A program'): Promise<ApiKeyCreated> =>
    dataOf(await create(as, { name, scopes }), ApiKeyCreated);
  const list = async (as: Login) => dataOf(await people.call('GET', '/api-keys?limit=100', { as }), ApiKey.array());
  const members = (as: Login | string) => people.call('GET', '/members', { as });
  const memberOf = async (email: string): Promise<Member> => {
    const found = dataOf(await members(owner), Member.array()).find((member) => member.email === email);
    assert.ok(found);
    return found;
  };

  it('are not for agents, not for programs, and not for outsiders', async () => {
    const { id } = await make(owner, ['members:read']);
    assert.equal(failureOf(await people.call('GET', '/api-keys', { as: agent })), '403 forbidden');
    assert.equal(failureOf(await create(agent, { name: 'Mine', scopes: ['contacts:read'] })), '403 forbidden');
    assert.equal(failureOf(await people.call('DELETE', `/api-keys/${id}`, { as: agent })), '403 forbidden');
    assert.equal(failureOf(await people.call('DELETE', `/api-keys/${id}`, { as: stranger })), '404 not_found');
    const { key } = await make(owner, [...ApiKeyScope.options], 'Everything a key may');
    assert.equal(failureOf(await people.call('GET', '/api-keys', { as: key })), '403 forbidden');
    assert.equal(failureOf(await create(key, { name: 'Another', scopes: ['contacts:read'] })), '403 forbidden');
    assert.equal(failureOf(await people.call('DELETE', `/api-keys/${id}`, { as: key })), '403 forbidden');
    for (const forged of ['parley_', 'parley_nonsense', `${key}x`, key.slice(0, -1), hashToken(key)])
      assert.equal(failureOf(await members(forged)), '401 unauthorized', forged);
  });

  it('attack 2: take known fields alone, and only scopes there are', async () => {
    const good = { name: 'Key', scopes: ['members:read'] };
    for (const extra of [
      { workspaceId: stranger.workspaceId },
      { createdAt: '2020-01-01T00:00:00Z' },
      { createdBy: stranger.user.id },
      { tokenHash: 'x' },
      { scopes: [] },
      { scopes: ['api-keys:write'] },
      { scopes: ['api-keys:read'] },
      { scopes: ['everything'] },
      { scopes: '*' },
      { name: ' ' },
    ])
      assert.equal(failureOf(await create(owner, { ...good, ...extra })), '400 bad_request', JSON.stringify(extra));
  });

  it('attack 1: open one workspace and nothing of another', async () => {
    const ours = await make(owner, ['members:read', 'workspace:read', 'workspace:write', 'members:write']);
    const theirs = await make(stranger, ['members:read', 'workspace:read']);
    const emails = async (key: string) => dataOf(await members(key), Member.array()).map(({ email }) => email);
    assert.deepEqual(await emails(theirs.key), ['mallory@strangers.test']);
    assert.ok((await emails(ours.key)).includes('owner@acme.test'));
    const foreign = `/workspaces/${stranger.workspaceId}`;
    assert.equal(failureOf(await people.call('GET', foreign, { as: ours.key })), '404 not_found');
    const rename = { as: ours.key, body: { name: 'Ours now' } };
    assert.equal(failureOf(await people.call('PATCH', foreign, rename)), '404 not_found');
    const renamed = { as: ours.key, body: { name: 'X', workspaceId: stranger.workspaceId } };
    const own = `/workspaces/${owner.workspaceId}`;
    assert.equal(failureOf(await people.call('PATCH', own, renamed)), '400 bad_request');
    assert.ok(!(await list(owner)).some(({ id }) => id === theirs.id));
    assert.ok(!(await list(stranger)).some(({ id }) => id === ours.id));
  });

  it('do what their scopes say and nothing a person does as themselves', async () => {
    const { key } = await make(owner, ['members:read']);
    assert.equal((await members(key)).status, 200);
    const invite = { as: key, body: { email: 'new@acme.test', role: 'agent' } };
    assert.equal(failureOf(await people.call('POST', '/members/invite', invite)), '403 forbidden');
    // With a login `members:read` is enough to leave; a key neither leaves for its maker nor removes anybody.
    for (const { id } of [await memberOf('owner@acme.test'), await memberOf('agent@acme.test')])
      assert.equal(failureOf(await people.call('DELETE', `/members/${id}`, { as: key })), '403 forbidden');
    const all = await make(owner, [...ApiKeyScope.options]);
    for (const [method, url, body] of [
      ['GET', '/me', undefined],
      ['PATCH', '/me/presence', { presence: 'online' }],
      ['POST', '/workspaces', { name: 'X' }],
      ['POST', '/auth/switch', { workspaceId: stranger.workspaceId }],
    ] as const)
      assert.equal(
        failureOf(await people.call(method, url, { as: all.key, ...(body ? { body } : {}) })),
        '403 forbidden',
        url,
      );
    const toOwner = { as: all.key, body: { email: 'new@acme.test', role: 'owner' } };
    assert.equal(failureOf(await people.call('POST', '/members/invite', toOwner)), '403 forbidden');
  });

  it('are told once, and recognised by how they begin', async () => {
    const made = await make(admin, ['contacts:read', 'contacts:read', 'bots:read'], ' Répörts ');
    assert.match(made.key, /^parley_[\w-]{43}$/);
    assert.deepEqual(
      [made.name, made.prefix, made.scopes],
      ['Répörts', made.key.slice(0, 11), ['contacts:read', 'bots:read']],
    );
    const answer = await people.call('GET', '/api-keys', { as: owner });
    const text = JSON.stringify(answer.body);
    assert.ok(!text.includes(made.key) && !text.includes(hashToken(made.key)));
    const seen = (await list(owner)).find(({ id }) => id === made.id);
    assert.equal(seen?.createdBy.id, admin.user.id);
    const { rows } = await people.store.inWorkspace(owner.workspaceId ?? '', (tx) =>
      tx.execute<{ row: string }>('select row_to_json(k)::text as row from api_keys k'),
    );
    assert.ok(rows.length > 0 && rows.every(({ row }) => !row.includes(made.key)));
  });

  it('say when they were used last', async () => {
    const { id, key } = await make(owner, ['members:read']);
    const lastUse = async () => (await list(owner)).find((one) => one.id === id)?.lastUsedAt;
    assert.equal(await lastUse(), null);
    assert.equal((await members(key)).status, 200);
    assert.ok(Math.abs(Date.parse((await lastUse()) ?? '') - Date.now()) < 60_000);
  });

  it('open nothing from the moment they are revoked', async () => {
    const { id, key } = await make(owner, ['members:read']);
    assert.equal((await members(key)).status, 200);
    assert.equal((await people.call('DELETE', `/api-keys/${id}`, { as: admin })).status, 200);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(failureOf(await members(key)), '401 unauthorized');
    assert.equal(failureOf(await people.call('DELETE', `/api-keys/${id}`, { as: owner })), '404 not_found');
    assert.ok(!(await list(owner)).some((one) => one.id === id));
  });

  it('never may more than who made them may now, and end with them', async () => {
    const { key } = await make(admin, ['members:read', 'members:write']);
    const invite = (email: string) =>
      people.call('POST', '/members/invite', { as: key, body: { email, role: 'agent' } });
    assert.equal((await invite('one@acme.test')).status, 201);
    const { id } = await memberOf('admin@acme.test');
    const demoted = await people.call('PATCH', `/members/${id}`, { as: owner, body: { role: 'agent' } });
    assert.equal(demoted.status, 200);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(failureOf(await invite('two@acme.test')), '403 forbidden');
    assert.equal((await members(key)).status, 200);
    assert.equal((await people.call('DELETE', `/members/${id}`, { as: owner })).status, 200);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(failureOf(await members(key)), '401 unauthorized');
  });

  it('are a hundred at most', async () => {
    for (let more = 100 - (await list(owner)).length; more > 0; more--) await make(owner, ['bots:read']);
    assert.equal(failureOf(await create(owner, { name: 'One more', scopes: ['bots:read'] })), '409 conflict');
  });
});
