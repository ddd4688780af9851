import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Done, Login, Me, PresenceInput, Workspace } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { SignJWT, UnsecuredJWT } from 'jose';
import { hashToken } from '../../platform/data/ids.ts';
import { RESYNC } from '../../platform/cluster/wake.ts';
import { until } from '../../test/until.ts';
import { PASSWORD, becomeOwner, dataOf, failureOf, startPeople } from './test-people.ts';
import type { People } from './test-people.ts';
import { SESSION_REVOKED } from './topics.ts';

describe('sessions', () => {
  let people: People;
  let owner: Login;
  const email = 'owner@acme.test';
  const logIn = async () =>
    dataOf(await people.call('POST', '/auth/login', { body: { email, password: PASSWORD } }), Login);
  const refresh = (refreshToken: unknown) => people.call('POST', '/auth/refresh', { body: { refreshToken } });
  const me = (as: Login | string) => people.call('GET', '/me', { as });

  before(async () => {
    people = await startPeople();
    owner = await becomeOwner(people);
  });
  after(() => people.close());

  it('are not opened by a wrong password, and the answer tells nothing about who has an account', async () => {
    const wrong = await people.call('POST', '/auth/login', { body: { email, password: 'wrong password' } });
    const unknown = await people.call('POST', '/auth/login', {
      body: { email: 'nobody@acme.test', password: 'wrong password' },
    });
    assert.equal(failureOf(wrong), '401 unauthorized');
    assert.deepEqual(unknown.body, wrong.body);
    assert.equal(unknown.status, wrong.status);
    const names = (headers: object) => Object.keys(headers).sort();
    assert.deepEqual(names(unknown.headers), names(wrong.headers));
    for (const body of [
      { email, password: null },
      { email: [email], password: PASSWORD },
      { email, password: PASSWORD, role: 'owner' },
      '{',
      [],
    ]) {
      assert.equal(failureOf(await people.call('POST', '/auth/login', { body })), '400 bad_request');
    }
    assert.equal(
      failureOf(await people.call('POST', '/auth/login', { body: { email: `' or 1=1 --@x.test`, password: 'x' } })),
      '400 bad_request',
    );
  });

  it('ask no more of the database over a made-up proof for an account that is there than for one that is not', async () => {
    const looksFor = async (body: object): Promise<number> => {
      const before = people.looks();
      assert.equal(failureOf(await people.call('POST', '/auth/login', { body })), '401 unauthorized');
      return people.looks() - before;
    };
    const proof = 'a'.repeat(43);
    const added = async (address: string): Promise<number> => {
      const plain = { email: address, password: 'wrong password' };
      return (await looksFor({ ...plain, proof })) - (await looksFor(plain));
    };
    assert.equal(await added(email), 1);
    assert.equal(await added('nobody@acme.test'), 1);
  });

  it('are opened by nothing but our own signature over our own claims', async () => {
    const { accessToken } = await logIn();
    const claims = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >;
    const key = new TextEncoder().encode(people.jwtSecret);
    const sign = (payload: Record<string, unknown>, secret = key, alg = 'HS256') =>
      new SignJWT(payload).setProtectedHeader({ alg, typ: 'JWT' }).sign(secret);
    const forged = [
      new UnsecuredJWT(claims).encode(),
      await sign(claims, new TextEncoder().encode('another secret of thirty-two byte')),
      await sign(claims, key, 'HS512'),
      await sign({ ...claims, exp: 1 }),
      await sign({ ...claims, aud: 'parley:visitor' }),
      await sign({ ...claims, sid: owner.user.id }),
      await sign({ ...claims, wid: owner.user.id }),
      await sign({ ...claims, sub: [claims.sub] }),
      accessToken.slice(0, -2),
      'null',
      '',
    ];
    for (const token of forged) assert.equal(failureOf(await me(token)), '401 unauthorized', token);
    assert.equal((await me(await sign(claims))).status, 200);
    assert.equal(failureOf(await people.call('GET', '/me')), '401 unauthorized');
  });

  it('neither begin nor go on for an account that was disabled', async () => {
    const disabled = await people.join(owner, 'disabled@acme.test', 'agent');
    await people.store.asSystem((tx) =>
      tx.execute(sql`update users set disabled_at = now() where id = ${disabled.user.id}::uuid`),
    );
    const body = { email: 'disabled@acme.test', password: PASSWORD };
    assert.equal(failureOf(await people.call('POST', '/auth/login', { body })), '401 unauthorized');
    assert.equal(failureOf(await refresh(disabled.refreshToken)), '401 unauthorized');
    people.wake.wake(RESYNC, '');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(failureOf(await me(disabled.accessToken)), '401 unauthorized');
  });

  /** As if the last use of this token were so long ago. */
  const usedAgo = (refreshToken: string, seconds: number) =>
    people.store.asSystem((tx) =>
      tx.execute(sql`update refresh_tokens set used_at = now() - make_interval(secs => ${seconds})
        where token_hash = ${hashToken(refreshToken)}`),
    );

  it('go on with a refresh token once: of ten at once all get the one that follows it, and there is no other', async () => {
    const { refreshToken } = await logIn();
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(refreshToken)));
    const logins = answers.map((answer) => dataOf(answer, Login));
    assert.equal(new Set(logins.map((login) => login.refreshToken)).size, 1);
    assert.notEqual(logins[0]?.refreshToken, refreshToken);
    for (const login of logins) assert.equal((await me(login)).status, 200);
    const { rows } = await people.store.asSystem((tx) =>
      tx.execute(sql`select count(*)::int as unused from refresh_tokens where used_at is null and session_id =
        (select session_id from refresh_tokens where token_hash = ${hashToken(refreshToken)})`),
    );
    assert.deepEqual(rows, [{ unused: 1 }]);
  });

  it('survive an answer that was lost: for half a minute the last token leads to the same successor again', async () => {
    const first = await logIn();
    const lost = dataOf(await refresh(first.refreshToken), Login);
    await usedAgo(first.refreshToken, 25);
    const again = dataOf(await refresh(first.refreshToken), Login);
    assert.equal(again.refreshToken, lost.refreshToken);
    const next = dataOf(await refresh(again.refreshToken), Login);
    assert.equal((await me(next)).status, 200);
  });

  it('end when the last token comes back after that, or when its successor was used before it came back', async () => {
    const late = await logIn();
    const rotated = dataOf(await refresh(late.refreshToken), Login);
    await usedAgo(late.refreshToken, 31);
    assert.equal(failureOf(await refresh(late.refreshToken)), '401 unauthorized');
    assert.equal(failureOf(await refresh(rotated.refreshToken)), '401 unauthorized');
    assert.equal(failureOf(await me(rotated)), '401 unauthorized');

    const old = await logIn();
    const newest = dataOf(await refresh(dataOf(await refresh(old.refreshToken), Login).refreshToken), Login);
    assert.equal(failureOf(await refresh(old.refreshToken)), '401 unauthorized');
    assert.equal(failureOf(await me(newest)), '401 unauthorized');
  });

  it('give a thief no line of tokens of their own: who goes on second ends it for both', async () => {
    const robbed = await logIn();
    const mine = dataOf(await refresh(robbed.refreshToken), Login);
    // In time for the grace: the thief holds what the robbed hold, and nothing else.
    const stolen = dataOf(await refresh(robbed.refreshToken), Login);
    assert.equal(stolen.refreshToken, mine.refreshToken);
    const ahead = dataOf(await refresh(stolen.refreshToken), Login);
    await usedAgo(stolen.refreshToken, 3_000);
    assert.equal(failureOf(await refresh(mine.refreshToken)), '401 unauthorized');
    assert.equal(failureOf(await refresh(ahead.refreshToken)), '401 unauthorized');
    for (const login of [mine, stolen, ahead]) assert.equal(failureOf(await me(login)), '401 unauthorized');
  });

  it('do not come back by the last token once they ended', async () => {
    const first = await logIn();
    const second = dataOf(await refresh(first.refreshToken), Login);
    await people.call('POST', '/auth/logout', { body: { refreshToken: second.refreshToken } });
    assert.equal(failureOf(await refresh(first.refreshToken)), '401 unauthorized');
  });

  it('end for everybody when a used refresh token comes back', async () => {
    const first = await logIn();
    const other = await logIn();
    const second = dataOf(await refresh(first.refreshToken), Login);
    assert.notEqual(second.refreshToken, first.refreshToken);
    const third = dataOf(await refresh(second.refreshToken), Login);
    assert.equal((await me(third)).status, 200);
    const revoked: string[] = [];
    const stop = people.wake.on(SESSION_REVOKED, (sessionId) => void revoked.push(sessionId));
    assert.equal(failureOf(await refresh(first.refreshToken)), '401 unauthorized');
    assert.equal(failureOf(await refresh(third.refreshToken)), '401 unauthorized');
    for (const { accessToken } of [first, second, third])
      assert.equal(failureOf(await me(accessToken)), '401 unauthorized');
    assert.equal((await me(other)).status, 200);
    assert.equal(revoked.length, 1);
    stop();
  });

  it('do not go on with what is no refresh token, or one that is too old', async () => {
    for (const token of [null, '', [], {}, 1]) assert.equal(failureOf(await refresh(token)), '400 bad_request');
    assert.equal(failureOf(await refresh('x'.repeat(43))), '401 unauthorized');
    const { refreshToken } = await logIn();
    const tokenHash = hashToken(refreshToken);
    await people.store.asSystem((tx) =>
      tx.execute(sql`update refresh_tokens set expires_at = now() where token_hash = ${tokenHash}`),
    );
    assert.equal(failureOf(await refresh(refreshToken)), '401 unauthorized');
  });

  it('keep no token in the database, only hashes', async () => {
    const { refreshToken } = await logIn();
    const { refreshToken: next } = dataOf(await refresh(refreshToken), Login);
    const { rows } = await people.store.asSystem((tx) => tx.execute(sql`select t::text as row from refresh_tokens t`));
    for (const token of [refreshToken, next]) {
      assert.ok(!JSON.stringify(rows).includes(token));
      assert.ok(JSON.stringify(rows).includes(hashToken(token)));
    }
  });

  it('end at once when somebody logs out, which tells nothing about a token', async () => {
    const login = await logIn();
    const logOut = (refreshToken: string) => people.call('POST', '/auth/logout', { body: { refreshToken } });
    assert.equal((await me(login)).status, 200);
    dataOf(await logOut(login.refreshToken), Done);
    assert.equal(failureOf(await me(login)), '401 unauthorized');
    assert.equal(failureOf(await refresh(login.refreshToken)), '401 unauthorized');
    assert.deepEqual((await logOut('x'.repeat(43))).body, (await logOut(login.refreshToken)).body);
  });

  it('end within seconds when another process revokes them', async () => {
    const login = await logIn();
    assert.equal((await me(login)).status, 200);
    await people.store.asSystem((tx) =>
      tx.execute(sql`update sessions set revoked_at = now()
      where id = (select session_id from refresh_tokens where token_hash = ${hashToken(login.refreshToken)})`),
    );
    const status = await until(
      async () => {
        const answer = await me(login);
        return answer.status !== 200 && answer.status;
      },
      'it is over here, too',
      10_000,
    );
    assert.equal(status, 401);
  });

  it('are forgotten a month after anybody went on with them', async () => {
    const old = await logIn();
    const open = await logIn();
    const sessionOf = (login: Login) =>
      sql`(select session_id from refresh_tokens where token_hash = ${hashToken(login.refreshToken)})`;
    await people.store.asSystem((tx) =>
      tx.execute(sql`update sessions set last_seen_at = now() - interval '31 days' where id = ${sessionOf(old)}`),
    );
    await logIn();
    const { rows } = await people.store.asSystem((tx) =>
      tx.execute(sql`select ${sessionOf(old)} as old, ${sessionOf(open)} as open`),
    );
    assert.deepEqual([rows[0]?.['old'], typeof rows[0]?.['open']], [null, 'string']);
  });

  it('go to another workspace of the same person, and to no other', async () => {
    const login = await logIn();
    const stranger = '01890000-0000-7000-8000-000000000001';
    const goTo = (workspaceId: unknown, as: Login = login) =>
      people.call('POST', '/auth/switch', { as, body: { workspaceId } });
    assert.equal(failureOf(await goTo(stranger)), '404 not_found');
    assert.equal(failureOf(await goTo(null)), '400 bad_request');
    assert.equal(
      failureOf(await people.call('POST', '/auth/switch', { body: { workspaceId: login.workspaceId } })),
      '401 unauthorized',
    );
    const second = dataOf(await people.call('POST', '/workspaces', { as: login, body: { name: 'Second' } }), Workspace);
    const moved = dataOf(await goTo(second.id), Login);
    assert.equal(moved.workspaceId, second.id);
    assert.equal(dataOf(await me(moved), Me).workspace?.name, 'Second');
    assert.equal(failureOf(await refresh(login.refreshToken)), '401 unauthorized');
    const refreshed = dataOf(await refresh(moved.refreshToken), Login);
    assert.equal(refreshed.workspaceId, second.id);
  });

  it('tell who I am and whether I am there', async () => {
    const login = await logIn();
    assert.equal(
      failureOf(await people.call('PATCH', '/me/presence', { as: login, body: { presence: 'busy' } })),
      '400 bad_request',
    );
    assert.equal(
      failureOf(await people.call('PATCH', '/me/presence', { as: login, body: { presence: 'idle', userId: 'x' } })),
      '400 bad_request',
    );
    const answer = await people.call('PATCH', '/me/presence', { as: login, body: { presence: 'idle' } });
    assert.deepEqual(dataOf(answer, PresenceInput), { presence: 'idle' });
    const mine = dataOf(await me(login), Me);
    assert.equal(mine.presence, 'idle');
    assert.equal(mine.user.email, email);
    assert.doesNotMatch(JSON.stringify(mine), /argon2|password/);
  });

  it('are not opened by guessing at one account, known or not, from one address, also in parallel; others are let in', async () => {
    await people.join(owner, 'target@acme.test', 'agent');
    const guess = (address: string, from: string, password = 'a wrong one') =>
      people.call('POST', '/auth/login', { body: { email: address, password }, from });
    for (const [index, address] of ['target@acme.test', 'nobody-at-all@acme.test'].entries()) {
      const answers = await Promise.all(Array.from({ length: 14 }, () => guess(address, `10.1.0.${index}`)));
      const count = (status: number) => answers.filter((answer) => answer.status === status).length;
      assert.deepEqual([count(401), count(429)], [10, 4]);
      const refused = answers.find(({ status }) => status === 429);
      assert.ok(refused && Number(refused.headers['retry-after']) >= 1);
    }
    assert.equal((await guess('target@acme.test', '10.1.0.0', PASSWORD)).status, 429);
    assert.equal((await guess('target@acme.test', '10.2.0.1', PASSWORD)).status, 200);
    assert.equal((await guess('somebody@acme.test', '10.1.0.0')).status, 401);
  });

  it('are not opened by guessing at many accounts from one address; being right does not clear the count', async () => {
    const from = '10.3.0.1';
    const right = (address: string) =>
      people.call('POST', '/auth/login', { body: { email, password: PASSWORD }, from: address });
    const statuses: number[] = [];
    for (let index = 0; index < 60; index++) {
      const body = { email: `person${index}@acme.test`, password: 'a wrong one' };
      statuses.push((await people.call('POST', '/auth/login', { body, from })).status);
      if (index === 20) assert.equal((await right(from)).status, 200);
    }
    assert.ok(statuses.slice(0, 40).every((status) => status === 401));
    assert.ok(statuses.includes(429));
    assert.equal((await right('10.3.0.2')).status, 200);
  });
});
