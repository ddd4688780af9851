import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  Done,
  Invitation,
  InvitationCreated,
  InvitationPreview,
  Login,
  Me,
  Member,
  Workspace,
  paged,
} from '@parley/contract';
import type { Role } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { hashToken } from '../../platform/data/ids.ts';
import { PASSWORD, becomeOwner, dataOf, failureOf, startPeople } from '../sessions/test-people.ts';
import type { People } from '../sessions/test-people.ts';

describe('members', () => {
  let people: People;
  let owner: Login;
  let admin: Login;
  let agent: Login;
  /** Somebody of another company. */
  let stranger: Login;

  const invite = (as: Login, email: string, role: string) =>
    people.call('POST', '/members/invite', { as, body: { email, role } });
  const tokenFor = async (as: Login, email: string, role: Role) =>
    new URL(dataOf(await invite(as, email, role), InvitationCreated).inviteUrl).searchParams.get('token') ?? '';
  const accept = (body: object) => people.call('POST', '/auth/accept-invite', { body });
  const preview = (token: string) => people.call('GET', `/auth/invitations/${token}`);
  const logIn = async (email: string) =>
    dataOf(await people.call('POST', '/auth/login', { body: { email, password: PASSWORD } }), Login);
  const list = async (as: Login) => paged(Member).parse((await people.call('GET', '/members', { as })).body).data;
  const idOf = async (login: Login, as = owner) => {
    const found = (await list(as)).find(({ userId }) => userId === login.user.id);
    assert.ok(found);
    return found.id;
  };
  const setRole = (as: Login, id: string, role: string) =>
    people.call('PATCH', `/members/${id}`, { as, body: { role } });
  const remove = (as: Login, id: string) => people.call('DELETE', `/members/${id}`, { as });

  before(async () => {
    people = await startPeople();
    owner = await becomeOwner(people);
    admin = await people.join(owner, 'admin@acme.test', 'admin');
    agent = await people.join(admin, 'agent@acme.test', 'agent');
    const second = await people.join(owner, 'stranger@other.test', 'agent');
    const other = dataOf(await people.call('POST', '/workspaces', { as: second, body: { name: 'Other' } }), Workspace);
    dataOf(await remove(second, await idOf(second)), Done);
    stranger = await logIn('stranger@other.test');
    assert.equal(stranger.workspaceId, other.id);
  });
  after(() => people.close());

  it('are invited, changed and removed by nobody without the permission', async () => {
    const id = await idOf(admin);
    assert.equal(failureOf(await invite(agent, 'x@acme.test', 'agent')), '403 forbidden');
    assert.equal(failureOf(await setRole(agent, await idOf(agent), 'owner')), '403 forbidden');
    assert.equal(failureOf(await remove(agent, id)), '403 forbidden');
    assert.equal(failureOf(await people.call('GET', '/members/invitations', { as: agent })), '403 forbidden');
    for (const [method, url] of [
      ['GET', '/members'],
      ['DELETE', `/members/${id}`],
      ['PATCH', `/members/${id}`],
      ['POST', '/members/invite'],
    ] as const) {
      assert.equal(failureOf(await people.call(method, url)), '401 unauthorized');
    }
  });

  it('are not there for another company', async () => {
    const id = await idOf(agent);
    const invitation = dataOf(await invite(owner, 'later@acme.test', 'agent'), InvitationCreated);
    assert.deepEqual(
      (await list(stranger)).map(({ userId }) => userId),
      [stranger.user.id],
    );
    assert.equal(failureOf(await setRole(stranger, id, 'admin')), '404 not_found');
    assert.equal(failureOf(await remove(stranger, id)), '404 not_found');
    assert.equal(
      failureOf(await people.call('DELETE', `/members/invitations/${invitation.id}`, { as: stranger })),
      '404 not_found',
    );
    const theirs = dataOf(await people.call('GET', '/members/invitations', { as: stranger }), Invitation.array());
    assert.deepEqual(theirs, []);
    assert.ok((await list(owner)).some((member) => member.id === id));
  });

  it('see every invitation, page by page', async () => {
    for (const name of ['one', 'two', 'three']) await invite(owner, `${name}@pages.test`, 'agent');
    const read = async (page: number) => {
      const { body } = await people.call('GET', `/members/invitations?limit=2&page=${page}`, { as: owner });
      return paged(Invitation).parse(body);
    };
    const { meta, data } = await read(1);
    assert.equal(data.length, 2);
    const found = [...data];
    for (let page = 2; found.length < meta.total; page += 1) found.push(...(await read(page)).data);
    assert.equal(new Set(found.map(({ id }) => id)).size, meta.total);
    assert.ok(meta.total >= 3);
  });

  it('get no more than an admin has: no owner invited, promoted, changed or removed by one', async () => {
    const ownersId = await idOf(owner);
    assert.equal(failureOf(await invite(admin, 'x@acme.test', 'owner')), '403 forbidden');
    assert.equal(failureOf(await setRole(admin, await idOf(admin), 'owner')), '403 forbidden');
    assert.equal(failureOf(await setRole(admin, await idOf(agent), 'owner')), '403 forbidden');
    assert.equal(failureOf(await setRole(admin, ownersId, 'agent')), '403 forbidden');
    assert.equal(failureOf(await remove(admin, ownersId)), '403 forbidden');
    const token = await tokenFor(owner, 'second-owner@acme.test', 'owner');
    assert.equal(failureOf(await invite(admin, 'second-owner@acme.test', 'agent')), '403 forbidden');
    assert.equal((await preview(token)).status, 200);
    const pending = dataOf(await people.call('GET', '/members/invitations', { as: admin }), Invitation.array());
    const id = pending.find(({ email }) => email === 'second-owner@acme.test')?.id ?? '';
    assert.equal(failureOf(await people.call('DELETE', `/members/invitations/${id}`, { as: admin })), '403 forbidden');
    assert.equal((await preview(token)).status, 200);
  });

  it('are changed by known fields alone', async () => {
    const id = await idOf(agent);
    for (const extra of [
      { workspaceId: stranger.workspaceId },
      { createdAt: '2020-01-01' },
      { userId: owner.user.id },
    ]) {
      assert.equal(
        failureOf(await people.call('PATCH', `/members/${id}`, { as: owner, body: { role: 'agent', ...extra } })),
        '400 bad_request',
      );
      assert.equal(
        failureOf(
          await people.call('POST', '/members/invite', {
            as: owner,
            body: { email: 'y@acme.test', role: 'agent', ...extra },
          }),
        ),
        '400 bad_request',
      );
    }
    assert.equal(failureOf(await setRole(owner, id, 'superuser')), '400 bad_request');
    assert.equal(failureOf(await setRole(owner, 'not-an-id', 'agent')), '400 bad_request');
    assert.equal(failureOf(await invite(owner, 'agent@acme.test', 'agent')), '409 conflict');
  });

  it('are invited once per link: no token, a used, revoked or old one opens nothing', async () => {
    for (const token of [null, '', [], {}])
      assert.equal(failureOf(await accept({ token, name: 'X', password: PASSWORD })), '400 bad_request');
    assert.equal(failureOf(await accept({ token: 'x'.repeat(32), name: 'X', password: PASSWORD })), '404 not_found');
    const replaced = await tokenFor(owner, 'new@acme.test', 'agent');
    const token = await tokenFor(owner, 'new@acme.test', 'admin');
    assert.equal(failureOf(await preview(replaced)), '404 not_found');
    assert.equal(failureOf(await accept({ token: replaced, name: 'X', password: PASSWORD })), '404 not_found');
    const shown = dataOf(await preview(token), InvitationPreview);
    assert.deepEqual(
      [shown.email, shown.role, shown.workspaceName, shown.hasAccount],
      ['new@acme.test', 'admin', 'Acme', false],
    );
    assert.equal(failureOf(await accept({ token, password: PASSWORD })), '400 bad_request');
    assert.equal(failureOf(await accept({ token, name: 'X', password: 'short' })), '400 bad_request');

    const answers = await Promise.all(
      [1, 2, 3, 4].map((index) => accept({ token, name: `Nia ${index}`, password: PASSWORD })),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.ok(answers.every(({ status }) => [200, 401, 404, 409].includes(status)));
    assert.equal(failureOf(await accept({ token, name: 'X', password: PASSWORD })), '404 not_found');
    assert.equal((await list(owner)).filter(({ email }) => email === 'new@acme.test').length, 1);

    const late = await tokenFor(owner, 'late@acme.test', 'agent');
    const { workspaceId } = owner;
    assert.ok(workspaceId);
    await people.store.inWorkspace(workspaceId, (tx) =>
      tx.execute(sql`update invitations set expires_at = now() where token_hash = ${hashToken(late)}`),
    );
    assert.equal(failureOf(await accept({ token: late, name: 'X', password: PASSWORD })), '404 not_found');

    const revoked = dataOf(await invite(owner, 'revoked@acme.test', 'agent'), InvitationCreated);
    dataOf(await people.call('DELETE', `/members/invitations/${revoked.id}`, { as: admin }), Done);
    const gone = new URL(revoked.inviteUrl).searchParams.get('token');
    assert.equal(failureOf(await accept({ token: gone, name: 'X', password: PASSWORD })), '404 not_found');
    assert.equal(
      failureOf(await people.call('DELETE', `/members/invitations/${revoked.id}`, { as: admin })),
      '404 not_found',
    );
  });

  it('with an account prove it; an invitation changes no password', async () => {
    const token = await tokenFor(owner, 'stranger@other.test', 'agent');
    assert.equal(dataOf(await preview(token), InvitationPreview).hasAccount, true);
    assert.equal(
      failureOf(await accept({ token, name: 'Thief', password: 'a password of the thief' })),
      '401 unauthorized',
    );
    assert.equal((await logIn('stranger@other.test')).user.name, 'stranger');
    const answers = await Promise.all([1, 2, 3].map(() => accept({ token, name: 'Ignored', password: PASSWORD })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 404, 404]);
    const accepted = answers.find(({ status }) => status === 200);
    assert.ok(accepted);
    const both = dataOf(accepted, Login);
    assert.equal(both.workspaceId, owner.workspaceId);
    assert.equal(both.user.name, 'stranger');
    assert.equal(both.workspaces.length, 2);
    dataOf(await remove(both, await idOf(both)), Done);
  });

  it('take the invitations to what they may no longer give with them when they are lowered', async () => {
    const lowered = await people.join(owner, 'lowered@acme.test', 'admin');
    const token = await tokenFor(lowered, 'friend@acme.test', 'admin');
    const others = await tokenFor(owner, 'other-friend@acme.test', 'agent');
    assert.equal((await preview(token)).status, 200);
    assert.equal((await setRole(owner, await idOf(lowered), 'agent')).status, 200);
    assert.equal(failureOf(await preview(token)), '404 not_found');
    const accepted = await accept({ token, name: 'Friend', password: PASSWORD });
    assert.equal(failureOf(accepted), '404 not_found');
    assert.equal((await preview(others)).status, 200);
    assert.equal((await remove(owner, await idOf(lowered))).status, 200);
  });

  it('lose their access at once when removed, and their invitations with it', async () => {
    const leaver = await people.join(owner, 'leaver@acme.test', 'admin');
    const token = await tokenFor(leaver, 'friend@acme.test', 'agent');
    assert.equal((await people.call('GET', '/me', { as: leaver })).status, 200);
    dataOf(await remove(owner, await idOf(leaver)), Done);
    assert.equal(failureOf(await people.call('GET', '/members', { as: leaver })), '401 unauthorized');
    assert.equal(failureOf(await preview(token)), '404 not_found');
    const refreshed = await people.call('POST', '/auth/refresh', { body: { refreshToken: leaver.refreshToken } });
    const homeless = dataOf(refreshed, Login);
    assert.equal(homeless.workspaceId, null);
    const me = dataOf(await people.call('GET', '/me', { as: homeless }), Me);
    assert.deepEqual([me.workspace, me.role, me.permissions, me.workspaces], [null, null, [], []]);
    assert.equal(failureOf(await people.call('GET', '/members', { as: homeless })), '403 forbidden');
    assert.equal(
      failureOf(await people.call('POST', '/auth/switch', { as: homeless, body: { workspaceId: owner.workspaceId } })),
      '404 not_found',
    );
  });

  it('have the permissions of a new role at once', async () => {
    const id = await idOf(agent);
    assert.equal(failureOf(await people.call('GET', '/members/invitations', { as: agent })), '403 forbidden');
    assert.equal(dataOf(await setRole(admin, id, 'admin'), Member).role, 'admin');
    assert.equal((await people.call('GET', '/members/invitations', { as: agent })).status, 200);
    dataOf(await setRole(owner, id, 'agent'), Member);
    assert.equal(failureOf(await people.call('GET', '/members/invitations', { as: agent })), '403 forbidden');
  });

  it('always have an owner: the last one cannot leave or step down, and two cannot do it at once', async () => {
    const ownersId = await idOf(owner);
    assert.equal(failureOf(await remove(owner, ownersId)), '409 conflict');
    assert.equal(failureOf(await setRole(owner, ownersId, 'agent')), '409 conflict');
    const second = await people.join(owner, 'owner2@acme.test', 'owner');
    const secondsId = await idOf(second);
    const answers = await Promise.all([
      setRole(owner, secondsId, 'admin'),
      setRole(second, ownersId, 'admin'),
      remove(owner, ownersId),
      remove(second, secondsId),
    ]);
    assert.ok(answers.some(({ status }) => status === 200));
    const left = (await list(admin)).filter(({ role }) => role === 'owner');
    assert.equal(left.length, 1);
  });
});
