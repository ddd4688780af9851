import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createSecretKey } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { SignJWT, decodeJwt } from 'jose';
import type { InvitationCreated, Login, Member } from '@parley/contract';
import { connect, OWNER, startTestApp, until } from '../app.ts';
import type { TestApp, TestSocket } from '../app.ts';
import { permissionsOf } from '../../features/members/policy.ts';
import { RESYNC } from '../../platform/cluster/wake.ts';
import { payloadsFor } from './socket-payloads.ts';
import { join, joinAnotherCompany, populate } from './world.ts';
import type { Company } from './world.ts';

const isCut = (socket: TestSocket): Promise<boolean> =>
  until(async () => !socket.socket.connected, 'the socket is cut').then(() => true);

describe('logins and the sockets they open', () => {
  let test: TestApp;
  let acme: Company;
  let mallory: Company;

  before(async () => {
    test = await startTestApp();
    const owner = { call: test.owner, accessToken: test.ownerToken, refreshToken: '' };
    [acme, mallory] = await Promise.all([
      populate(test, owner, 'acmecanary'),
      joinAnotherCompany(test).then((person) => populate(test, person, 'mallorycanary')),
    ]);
  });
  after(async () => {
    for (const company of [acme, mallory]) company?.visitor.close();
    await test?.close();
  });

  const login = async (): Promise<Login> => (await test.anonymous<Login>('POST', '/auth/login', OWNER)).data;
  const memberId = async (email: string): Promise<string> => {
    const { data } = await test.owner<Member[]>('GET', '/members');
    return data.find((member) => member.email === email)?.id ?? '';
  };

  it('attack 7: joins no foreign conversation by its id', async () => {
    const stranger = await connect(test.url, { token: mallory.token });
    const { conversation: conversationId } = acme.ids;
    for (const { event, payload, isOfConversation } of payloadsFor(test.app.socketEvents.agent, conversationId)) {
      const answer = await stranger.call(event, payload);
      if (!isOfConversation) {
        assert.ok(answer.success, event);
        assert.ok(!JSON.stringify(answer).includes(acme.mark), event);
      } else if (event !== 'conversation:unsubscribe') {
        assert.ok(!answer.success, `${event} worked`);
        assert.equal(answer.error.code, 'not_found', event);
      }
    }
    // What happens next in the conversation reaches those who may hear it, and not the stranger.
    const mine = await connect(test.url, { token: acme.token });
    await mine.call('conversation:subscribe', { conversationId });
    await acme.visitor.call('customer:send_message', { conversationId, text: 'a secret', clientId: 'secret' });
    await mine.wait('message:received', ({ text }) => text === 'a secret');
    await mine.wait('conversation:updated', ({ id }) => id === conversationId);
    assert.deepEqual(stranger.seen('message:received'), []);
    assert.deepEqual(
      stranger.seen('conversation:updated').filter(({ id }) => id === conversationId),
      [],
    );
    stranger.close();
    mine.close();
  });

  it('opens no socket without a good token', async () => {
    const refused: Record<string, unknown>[] = [
      {},
      { token: '' },
      { token: 'nonsense' },
      { token: null },
      { token: { $ne: null } },
      { token: `${acme.token.split('.').slice(0, 2).join('.')}.` },
      { token: acme.visitorToken },
      { inbox: acme.token },
      { inbox: ['x'] },
      { inbox: { toString: 'x' } },
    ];
    for (const auth of refused) await assert.rejects(connect(test.url, auth), JSON.stringify(auth));
    const { io } = await import('socket.io-client');
    const byQuery = io(test.url, { query: { token: acme.token }, transports: ['websocket'], reconnection: false });
    const error = await new Promise<Error>((resolve, reject) => {
      byQuery.once('connect', () => reject(new Error('a token in the address was taken')));
      byQuery.once('connect_error', resolve);
    });
    assert.match(error.message, /not found/i);
    byQuery.close();
  });

  it('attack 9: a revoked login’s open socket is cut when the news of it were lost', async () => {
    const [gone, stays] = [await login(), await login()];
    const [revoked, kept] = [
      await connect(test.url, { token: gone.accessToken }),
      await connect(test.url, { token: stays.accessToken }),
    ];
    const { sid } = decodeJwt(gone.accessToken);
    // As another process does whose news never come.
    await test.app.store.asSystem((tx) => tx.execute(sql`update sessions set revoked_at = now() where id = ${sid}`));
    test.app.wake.wake(RESYNC, 'all');
    assert.ok(await isCut(revoked));
    assert.ok(kept.socket.connected);
    kept.close();
  });

  it('attack 10: a connection that comes back goes through the door again', async () => {
    const first = await connect(test.url, { token: acme.token });
    const id = first.socket.id;
    first.socket.io.engine.close();
    // What the recovery of Socket.IO would take instead of a token.
    await assert.rejects(connect(test.url, { pid: id, offset: '0' }));
    const back = await connect(test.url, { token: acme.token, pid: id, offset: '0' });
    assert.ok(!back.socket.recovered);
    back.close();
    // Lost by the network, and revoked before it is back.
    const { refreshToken, accessToken } = await login();
    const lost = await connect(test.url, { token: accessToken });
    const { socket } = lost;
    // Recovery goes on from the last event that was told to a room, so there has to be one.
    await test.as(accessToken)('PATCH', '/me/presence', { presence: 'online' });
    await lost.wait('presence:changed');
    socket.io.engine.close();
    await test.anonymous('POST', '/auth/logout', { refreshToken });
    const refusal = await new Promise<Error | null>((resolve) => {
      socket.once('connect', () => resolve(null));
      socket.once('connect_error', resolve);
      socket.connect();
    });
    assert.match(refusal?.message ?? 'it came back', /sign in/i);
    socket.close();
  });

  it('attack 9: cuts the open sockets of a login that ended, and of that one alone', async () => {
    const [mine, other] = await Promise.all([login(), login()]);
    const [cut, kept] = await Promise.all([
      connect(test.url, { token: mine.accessToken }),
      connect(test.url, { token: other.accessToken }),
    ]);
    await test.anonymous('POST', '/auth/logout', { refreshToken: mine.refreshToken });
    assert.ok(await isCut(cut));
    assert.equal((await test.as(mine.accessToken)('GET', '/me')).status, 401);
    assert.ok((await kept.call('conversation:subscribe', { conversationId: acme.ids.conversation })).success);
    kept.close();
  });

  it('attack 9: cuts a thief and the robbed when an older refresh token comes back', async () => {
    const { accessToken, refreshToken } = await login();
    const socket = await connect(test.url, { token: accessToken });
    const next = await test.anonymous<Login>('POST', '/auth/refresh', { refreshToken });
    const goOn = { refreshToken: next.data.refreshToken };
    assert.equal((await test.anonymous('POST', '/auth/refresh', goOn)).status, 200);
    assert.equal((await test.anonymous('POST', '/auth/refresh', { refreshToken })).status, 401);
    assert.ok(await isCut(socket));
  });

  it('attack 9: cuts a member who was removed or has another role', async () => {
    const admin = await join(test, test.owner, 'admin@acme.test', 'admin');
    const socket = await connect(test.url, { token: admin.accessToken });
    assert.ok((await socket.call('admin:get_stats')).success);
    const id = await memberId('admin@acme.test');
    assert.equal((await test.owner('PATCH', `/members/${id}`, { role: 'agent' })).status, 200);
    assert.ok(await isCut(socket));
    const lowered = await connect(test.url, { token: admin.accessToken });
    const may = permissionsOf('agent');
    const refused = Object.entries(test.app.socketEvents.agent).filter(([, { permission }]) => !may.has(permission));
    assert.ok(refused.length >= 3);
    for (const [event] of refused) {
      const answer = await lowered.call(event);
      assert.equal(!answer.success && answer.error.code, 'forbidden', event);
    }
    assert.equal((await admin.call('POST', '/bots', { name: 'x' })).status, 403);
    assert.equal((await test.owner('DELETE', `/members/${id}`)).status, 200);
    assert.ok(await isCut(lowered));
    await assert.rejects(connect(test.url, { token: admin.accessToken }));
    assert.equal((await admin.call('GET', '/conversations')).status, 401);
  });

  it('cuts a socket that only listens when its token ends', async () => {
    const { sub, sid, wid } = decodeJwt(acme.token) as { sub: string; sid: string; wid: string };
    const key = createSecretKey(Buffer.from(test.app.config.secrets.jwtSecret, 'utf8'));
    const sign = (change: { seconds: number; audience?: string; issuer?: string }, header = {}) =>
      new SignJWT({ sid, wid })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...header })
        .setSubject(sub)
        .setIssuer(change.issuer ?? 'parley')
        .setAudience(change.audience ?? 'parley:dashboard')
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1_000) + change.seconds)
        .sign(key);
    const short = await connect(test.url, { token: await sign({ seconds: 2 }) });
    assert.ok(await isCut(short));
    for (const change of [
      { seconds: -60 },
      { seconds: 60, audience: 'parley:visitor' },
      { seconds: 60, issuer: 'elsewhere' },
    ]) {
      const token = await sign(change);
      await assert.rejects(connect(test.url, { token }), JSON.stringify(change));
      assert.equal((await test.as(token)('GET', '/me')).status, 401);
    }
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${acme.token.split('.')[1]}.`;
    assert.equal((await test.as(none)('GET', '/me')).status, 401);
  });

  it('attack 28: takes nothing, null or an object for no secret', async () => {
    const secrets = [null, '', {}, [], ['x'], 0, true, { $ne: null }, 'null', 'undefined', '\u0000'.repeat(20)];
    for (const secret of secrets) {
      const attempts: [string, object][] = [
        [
          '/auth/setup',
          { token: secret, email: 'a@b.test', name: 'x', password: 'a long enough one', workspaceName: 'x' },
        ],
        ['/auth/accept-invite', { token: secret, name: 'x', password: 'a long enough one' }],
        ['/auth/refresh', { refreshToken: secret }],
        ['/auth/login', { email: OWNER.email, password: secret }],
      ];
      for (const [path, body] of attempts) {
        const { status } = await test.anonymous('POST', path, body);
        assert.ok([400, 401, 404, 429].includes(status), `${path} ${JSON.stringify(secret)} → ${status}`);
      }
    }
  });

  it('attack 29: lets a link or a token work once, however many come at once', async () => {
    const invited = await test.owner<InvitationCreated>('POST', '/members/invite', {
      email: 'race@acme.test',
      role: 'agent',
    });
    const token = new URL(invited.data.inviteUrl).searchParams.get('token');
    const accepted = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        test.anonymous('POST', '/auth/accept-invite', { token, name: 'Race', password: `a long enough one ${index}` }),
      ),
    );
    assert.equal(
      accepted.filter(({ status }) => status === 200).length,
      1,
      accepted.map(({ status }) => status).join(),
    );
    const { data } = await test.owner<Member[]>('GET', '/members?limit=100');
    assert.equal(data.filter(({ email }) => email === 'race@acme.test').length, 1);

    const { refreshToken } = (accepted.find(({ status }) => status === 200)?.data ?? {}) as Login;
    const refreshed = await Promise.all(
      Array.from({ length: 8 }, () => test.anonymous<Login>('POST', '/auth/refresh', { refreshToken })),
    );
    assert.equal(new Set(refreshed.map(({ data }) => data.refreshToken)).size, 1, 'they lead to one and the same');

    // Somebody with an account: no unique address stands in for the link's single use.
    const again = await test.owner<InvitationCreated>('POST', '/members/invite', {
      email: 'mallory@strangers.test',
      role: 'agent',
    });
    const link = new URL(again.data.inviteUrl).searchParams.get('token');
    const joined = await Promise.all(
      Array.from({ length: 6 }, () =>
        test.anonymous('POST', '/auth/accept-invite', { token: link, password: 'a long enough password' }),
      ),
    );
    assert.equal(joined.filter(({ status }) => status === 200).length, 1, joined.map(({ status }) => status).join());

    const picked = await Promise.all(
      Array.from({ length: 5 }, () => acme.call('POST', `/handoffs/${acme.ids.handoff}/pick-up`)),
    );
    assert.equal(picked.filter(({ status }) => status === 200).length, 1, picked.map(({ status }) => status).join());
  });

  it('gives nobody a role above their own', async () => {
    const admin = await join(test, test.owner, 'climber@acme.test', 'admin');
    const id = await memberId('climber@acme.test');
    const owner = await memberId(OWNER.email);
    assert.equal((await admin.call('PATCH', `/members/${id}`, { role: 'owner' })).status, 403);
    assert.equal((await admin.call('POST', '/members/invite', { email: 'x@y.test', role: 'owner' })).status, 403);
    assert.equal((await admin.call('PATCH', `/members/${owner}`, { role: 'agent' })).status, 403);
    assert.equal((await admin.call('DELETE', `/members/${owner}`)).status, 403);
    assert.equal((await admin.call('POST', '/auth/switch', { workspaceId: mallory.ids.workspace })).status, 404);
  });

  // Last, since it fills the count of this address.
  it('slows guessing down, for an account that exists as for one that does not', async () => {
    for (const email of ['nobody@acme.test', 'admin@acme.test']) {
      const guesses = await Promise.all(
        Array.from({ length: 14 }, (_, index) =>
          test.anonymous('POST', '/auth/login', { email, password: `guess number ${index}` }),
        ),
      );
      const statuses = guesses.map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 401).length, 10, statuses.join());
      assert.equal(statuses.filter((status) => status === 429).length, 4, statuses.join());
      const [late] = guesses.filter(({ status }) => status === 429);
      assert.ok(Number(late?.headers.get('retry-after')) > 0);
      const told = new Set(guesses.filter(({ status }) => status === 401).map(({ error }) => error?.message));
      assert.equal(told.size, 1);
    }
  });
});
