import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Login, Me, OpenSession, SignInAttempt } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { connect, OWNER, startTestApp, until } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';
import { join } from '../../test/security/world.ts';

const PASSWORD = 'a long enough password';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0';

describe('my own account', () => {
  let test: TestApp;
  before(async () => {
    test = await startTestApp({ TRUSTED_PROXIES: '127.0.0.1,::1' });
  });
  after(() => test?.close());

  const post = (path: string, body: object, userAgent: string, from: string) =>
    fetch(`${test.url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': userAgent, 'x-forwarded-for': from },
      body: JSON.stringify(body),
    });
  const signIn = async (email: string, password = PASSWORD, userAgent = FIREFOX): Promise<Login> => {
    const response = await post('/auth/login', { email, password }, userAgent, '198.51.100.7');
    assert.equal(response.status, 200);
    return ((await response.json()) as { data: Login }).data;
  };
  const status = async (accessToken: string) => (await test.as(accessToken)('GET', '/me')).status;
  const sessionsOf = async (accessToken: string) =>
    (await test.as(accessToken)<OpenSession[]>('GET', '/me/sessions')).data;

  it('lists where somebody is signed in: the device, whence, when it was used last, and which one asks', async () => {
    await join(test, test.owner, 'lists@acme.test', 'agent');
    const first = await signIn('lists@acme.test');
    const other = await signIn('lists@acme.test', PASSWORD, 'curl/8.5.0');
    await test.app.store.asSystem((tx) =>
      tx.execute(sql`update sessions set last_seen_at = last_seen_at - interval '3 days'
        where user_agent = 'curl/8.5.0' and user_id = ${first.user.id}::uuid`),
    );
    const [mine, ...others] = await sessionsOf(first.accessToken);
    assert.deepEqual(
      [mine?.kind, mine?.browser, mine?.system, mine?.address, mine?.current],
      ['computer', 'Firefox', 'Linux', '198.51.100.7', true],
    );
    assert.deepEqual(
      others.map(({ kind, browser, current }) => [kind, browser, current]),
      [
        ['program', 'node', false],
        ['program', 'curl', false],
      ],
    );
    const program = others.at(-1);
    assert.ok(Date.parse(program?.lastUsedAt ?? '') < Date.now() - 2 * 86_400_000);

    // Whatever is used moves up, and whoever goes on from elsewhere is shown there.
    assert.equal(await status(other.accessToken), 200);
    await post('/auth/refresh', { refreshToken: first.refreshToken }, FIREFOX, '203.0.113.9');
    const now = await sessionsOf(first.accessToken);
    assert.ok(Date.parse(now.find(({ browser }) => browser === 'curl')?.lastUsedAt ?? '') > Date.now() - 600_000);
    assert.equal(now.find(({ current }) => current)?.address, '203.0.113.9');

    // What nobody can go on with is not shown.
    await test.app.store.asSystem((tx) =>
      tx.execute(sql`update refresh_tokens set expires_at = now() where session_id = ${program?.id}::uuid`),
    );
    assert.ok(!(await sessionsOf(first.accessToken)).some(({ id }) => id === program?.id));
  });

  it('ends one session, with its socket, at once; and nobody else’s', async () => {
    await join(test, test.owner, 'ends@acme.test', 'agent');
    const [here, there] = [await signIn('ends@acme.test'), await signIn('ends@acme.test', PASSWORD, 'there')];
    const socket = await connect(test.url, { token: there.accessToken });
    const id = (await sessionsOf(here.accessToken)).find(({ browser }) => browser === 'there')?.id ?? '';
    assert.equal((await test.owner('DELETE', `/me/sessions/${id}`)).status, 404);
    assert.equal((await test.anonymous('DELETE', `/me/sessions/${id}`)).status, 401);
    assert.ok(socket.socket.connected);

    const end = () => test.as(here.accessToken)('DELETE', `/me/sessions/${id}`);
    assert.equal((await end()).status, 200);
    await until(async () => !socket.socket.connected, 'the socket is cut');
    assert.equal(await status(there.accessToken), 401);
    const { refreshToken } = there;
    assert.equal((await test.anonymous('POST', '/auth/refresh', { refreshToken })).status, 401);
    assert.equal((await end()).status, 404);
    assert.equal(await status(here.accessToken), 200);
  });

  it('ends all others and says how many', async () => {
    const first = await join(test, test.owner, 'others@acme.test', 'agent');
    const [here, there] = [await signIn('others@acme.test'), await signIn('others@acme.test')];
    const socket = await connect(test.url, { token: there.accessToken });
    const ended = await test.as(here.accessToken)<{ ended: number }>('DELETE', '/me/sessions');
    assert.deepEqual(ended.data, { ended: 2 });
    await until(async () => !socket.socket.connected, 'the socket is cut');
    assert.deepEqual(await Promise.all([first, there, here].map((one) => status(one.accessToken))), [401, 401, 200]);
    assert.equal((await sessionsOf(here.accessToken)).length, 1);
    assert.equal(await status(test.ownerToken), 200);
  });

  it('changes an address with the current password only, and what was mailed to the old one opens nothing', async () => {
    const { call } = await join(test, test.owner, 'moves@acme.test', 'agent');
    const change = (body: object) => call<Login['user']>('PATCH', '/me', body);
    for (const body of [{}, { currentPassword: 'a wrong password' }]) {
      const refused = await change({ email: 'moved@acme.test', ...body });
      assert.deepEqual([refused.status, refused.error?.details?.[0]?.field], [400, 'currentPassword']);
    }
    assert.equal((await change({ email: 'no address', currentPassword: PASSWORD })).status, 400);
    const mailed = sql`insert into one_time_tokens (id, purpose, user_id, token_hash, expires_at)
      select gen_random_uuid(), 'sign_in', id, 'a hash', now() + interval '1 hour' from users where email = 'moves@acme.test'`;
    await test.app.store.asSystem((tx) => tx.execute(mailed));

    const moved = await change({ email: 'Moved@ACME.test', currentPassword: PASSWORD });
    assert.deepEqual([moved.status, moved.data.email], [200, 'moved@acme.test']);
    assert.equal((await call<Me>('GET', '/me')).data.user.email, 'moved@acme.test');
    const { rows } = await test.app.store.asSystem((tx) =>
      tx.execute(sql`select 1 from one_time_tokens where token_hash = 'a hash'`),
    );
    assert.deepEqual(rows, []);
    await signIn('moved@acme.test');
    const old = await test.anonymous('POST', '/auth/login', { email: 'moves@acme.test', password: PASSWORD });
    assert.equal(old.status, 401);
    // The same address again is no change, and needs nothing.
    assert.equal((await change({ email: 'moved@acme.test', name: 'Mo Ved' })).status, 200);
  });

  it('tells of few addresses that they are taken, and of none without the password', async () => {
    const { call } = await join(test, test.owner, 'curious@acme.test', 'agent');
    const tries = async (body: object) => (await call('PATCH', '/me', body)).status;
    const taken = { email: OWNER.email, currentPassword: 'a wrong password' };
    const free = { email: 'nobody-yet@acme.test', currentPassword: 'a wrong password' };
    assert.deepEqual([await tries(taken), await tries(free)], [400, 400]);
    const statuses: number[] = [];
    for (let index = 0; index < 7; index++) statuses.push(await tries({ ...taken, currentPassword: PASSWORD }));
    assert.deepEqual(statuses, [409, 409, 409, 409, 409, 429, 429]);
  });

  it('counts wrong current passwords like guesses of a sign-in, in parallel, too, and shows them to the owner', async () => {
    const { call } = await join(test, test.owner, 'guessed@acme.test', 'agent');
    const guesses = await Promise.all(
      Array.from({ length: 14 }, (_, index) =>
        call('PATCH', '/me', {
          ...(index % 2 ? { email: 'thief@x.test' } : { password: 'another long password' }),
          currentPassword: `guess number ${index}`,
        }),
      ),
    );
    const count = (wanted: number) => guesses.filter((answer) => answer.status === wanted).length;
    assert.deepEqual([count(400), count(429)], [10, 4]);
    const right = await call('PATCH', '/me', { password: 'another long password', currentPassword: PASSWORD });
    assert.equal(right.status, 429);
    // Whoever knows the password is let in meanwhile, and sees it.
    const { accessToken } = await signIn('guessed@acme.test');
    const tried = async () => (await test.as(accessToken)<SignInAttempt[]>('GET', '/me/sign-ins?limit=100')).data;
    const wrong = async () => (await tried()).filter(({ outcome }) => outcome === 'wrong_password');
    await until(async () => (await wrong()).length === 10, 'they are written down');
    const [{ kind, browser } = {}] = await wrong();
    assert.deepEqual([kind, browser], ['program', 'node']);
  });
});
