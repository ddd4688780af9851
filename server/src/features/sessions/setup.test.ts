import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Login, Me, SetupState } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { newId } from '../../platform/data/ids.ts';
import { PASSWORD, dataOf, failureOf, startPeople } from './test-people.ts';
import type { People } from './test-people.ts';

describe('the first owner', () => {
  let people: People;
  const form = (token: unknown) => ({
    token,
    email: 'First@Acme.test',
    name: 'Fia',
    password: PASSWORD,
    workspaceName: 'Acme',
  });
  const tokenOf = async () => {
    const setup = await people.setup();
    assert.equal(setup.state, 'link');
    return setup.state === 'link' ? (new URL(setup.url).searchParams.get('token') ?? '') : '';
  };
  const setUp = (token: unknown) => people.call('POST', '/auth/setup', { body: form(token) });

  before(async () => {
    people = await startPeople();
  });
  after(() => people.close());

  it('is made by no token, a made-up token, or one of an earlier start', async () => {
    assert.equal(dataOf(await people.call('GET', '/auth/setup-state'), SetupState).needsSetup, true);
    const earlier = await tokenOf();
    await tokenOf();
    for (const token of [null, '', [], [earlier], {}, true, undefined])
      assert.equal(failureOf(await setUp(token)), '400 bad_request');
    assert.equal(failureOf(await setUp('x'.repeat(32))), '404 not_found');
    assert.equal(failureOf(await setUp(earlier)), '404 not_found');
  });

  it('is made once by a link that two people open at once', async () => {
    const token = await tokenOf();
    const answers = await Promise.all([1, 2, 3, 4].map(() => setUp(token)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 404, 404, 404]);
    const [made] = answers.filter(({ status }) => status === 200);
    assert.ok(made);
    const login = dataOf(made, Login);
    const me = dataOf(await people.call('GET', '/me', { as: login }), Me);
    assert.equal(me.user.email, 'first@acme.test');
    assert.equal(me.workspace?.name, 'Acme');
    assert.equal(me.role, 'owner');
    assert.ok(me.permissions.includes('members:write'));
  });

  it('is not made again', async () => {
    assert.equal(dataOf(await people.call('GET', '/auth/setup-state'), SetupState).needsSetup, false);
    assert.deepEqual(await people.setup(), { state: 'ready' });
    assert.deepEqual(await people.setup({ email: 'other@acme.test', password: PASSWORD }), { state: 'ready' });
  });

  it('is there without asking when the settings name one, once, also when two processes start at once', async () => {
    await people.empty();
    const owner = { email: 'Boss@Acme.test', password: 'from-the-settings' };
    const states = await Promise.all([people.setup(owner), people.setup(owner)]);
    assert.deepEqual(states.map(({ state }) => state).sort(), ['created', 'ready']);
    const body = { email: 'BOSS@acme.test', password: owner.password };
    const { workspaces, workspaceId } = dataOf(await people.call('POST', '/auth/login', { body }), Login);
    assert.deepEqual(
      workspaces.map(({ role }) => role),
      ['owner'],
    );
    assert.equal(workspaceId, workspaces[0]?.id);
  });

  it('is not made by a used link, even while there is nobody', async () => {
    await people.empty();
    const token = await tokenOf();
    await people.store.asSystem((tx) => tx.execute(sql`update one_time_tokens set used_at = now()`));
    assert.equal(failureOf(await setUp(token)), '404 not_found');
  });

  it('takes over the workspace that was there before anybody', async () => {
    await people.empty();
    const id = newId();
    await people.store.asSystem((tx) =>
      tx.execute(sql`insert into workspaces (id, name, settings) values (${id}::uuid, 'Demo', '{"demo":1}')`),
    );
    const { workspaces } = dataOf(await setUp(await tokenOf()), Login);
    assert.deepEqual(workspaces, [{ id, name: 'Acme', accent: 'indigo', role: 'owner' }]);
  });
});
