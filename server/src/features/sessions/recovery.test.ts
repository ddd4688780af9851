import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AddressState, InvitationCreated, Login, MailItem } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { OWNER, startTestApp, until } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';
import { startSmtp } from '../../test/doubles/smtp.ts';
import type { SmtpDouble } from '../../test/doubles/smtp.ts';
import type { Letter } from '../../test/doubles/smtp-letter.ts';
import { stays } from '../../test/stays.ts';
import { makeResetLink } from './reset-link.ts';

type Answer<T = unknown> = { status: number; data: T; cookie: string | undefined; body: string };
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1';

describe('ways back into an account', () => {
  let test: TestApp;
  let smtp: SmtpDouble;
  let addresses = 0;

  /** From an address of its own, unless one is named, and in a browser's words. */
  async function send<T>(path: string, body: object, headers: Record<string, string> = {}): Promise<Answer<T>> {
    const response = await fetch(`${test.url}/api/v1${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-forwarded-for': `192.0.${2 + Math.floor(addresses / 250)}.${addresses++ % 250}`,
        'user-agent': FIREFOX,
        ...headers,
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    const { data } = JSON.parse(text) as { data: T };
    return { status: response.status, data, cookie: response.headers.getSetCookie()[0]?.split(';')[0], body: text };
  }
  const login = (email: string, password: string, headers: Record<string, string> = {}) =>
    send<Login>('/auth/login', { email, password }, headers);

  const lettersTo = (email: string, about: RegExp): Letter[] =>
    smtp.letters.filter(({ to, subject }) => to[0] === email && about.test(subject));
  const NEW_PASSWORD = /^Set a new password/;
  const CONFIRM = /^Confirm your e-mail/;
  const NEW_SIGN_IN = /^A new sign-in/;
  const CHANGED = /password for Parley was changed/;
  const tokenOf = (letter: Letter | undefined): string =>
    /(?:#token=|\?token=)([\w-]+)/.exec(letter?.link ?? '')?.[1] ?? '';

  /** The letter that comes on doing something. */
  async function letterOn(email: string, about: RegExp, act: () => Promise<unknown>): Promise<Letter> {
    const earlier = lettersTo(email, about).length;
    await act();
    return until(async () => lettersTo(email, about)[earlier], `a mail to ${email} about ${about}`);
  }
  const forgot = (email: string) => send('/auth/forgot-password', { email });
  const resetToken = async (email: string): Promise<string> =>
    tokenOf(await letterOn(email, NEW_PASSWORD, () => forgot(email)));
  const reset = (token: string, password = 'a quite new password') => send('/auth/reset-password', { token, password });
  const addressOf = async (call: TestApp['owner']): Promise<AddressState> =>
    (await call<AddressState>('GET', '/me/address')).data;

  /** Somebody whose address is proven by the mailed invitation, or not, by the copied one. */
  async function join(email: string, by: 'mail' | 'copy'): Promise<Login> {
    const letter = await letterOn(email, /invites you/, () =>
      test.owner<InvitationCreated>('POST', '/members/invite', { email, role: 'agent' }).then(({ data }) => {
        assert.equal(data.mailed, true);
        copied = new URL(data.inviteUrl).searchParams.get('token') ?? '';
      }),
    );
    const token = by === 'mail' ? tokenOf(letter) : copied;
    const joined = await send<Login>('/auth/accept-invite', { token, name: 'Grace', password: OWNER.password });
    assert.equal(joined.status, 200, joined.body);
    return joined.data;
  }
  let copied = '';

  before(async () => {
    smtp = await startSmtp();
    test = await startTestApp({ MAIL_URL: smtp.url, TRUSTED_PROXIES: '127.0.0.1,::1' });
  });
  after(async () => {
    await test?.close();
    await smtp?.close();
  });

  it('resets nothing for an address nobody proved; a mailed link proves it, once', async () => {
    const { email } = OWNER;
    assert.equal((await forgot(email)).status, 200);
    const letter = await until(async () => lettersTo(email, CONFIRM)[0], 'the first sign-in asks for the proof');
    assert.equal(lettersTo(email, NEW_PASSWORD).length, 0);
    assert.equal((await addressOf(test.owner)).emailVerified, false);
    const token = tokenOf(letter);
    assert.equal((await reset(token)).status, 404, 'a link for one thing opens nothing else');
    assert.equal((await send('/auth/prove-address', { token: `${token}x` })).status, 404);
    const proven = await send<{ email: string }>('/auth/prove-address', { token });
    assert.deepEqual([proven.status, proven.data.email], [200, email]);
    assert.equal((await send('/auth/prove-address', { token })).status, 404);
    assert.equal((await addressOf(test.owner)).emailVerified, true);
    assert.equal((await test.owner('POST', '/me/address/proof')).status, 409);
  });

  it('a link sets the password once: it ends all sign-ins, voids the other links, and the mailbox hears of it', async () => {
    const email = 'once@acme.test';
    const { accessToken } = await join(email, 'mail');
    const [first, second] = [await resetToken(email), await resetToken(email)];
    assert.equal((await test.as(accessToken)('GET', '/me')).status, 200);
    const tries = await letterOn(email, CHANGED, async () => {
      const both = await Promise.all([reset(second, 'one new password'), reset(second, 'another new password')]);
      assert.deepEqual(both.map(({ status }) => status).sort(), [200, 404]);
      const chosen = both[0].status === 200 ? 'one new password' : 'another new password';
      assert.equal((await test.as(accessToken)('GET', '/me')).status, 401);
      assert.equal((await reset(first)).status, 404, 'the other link is void');
      assert.equal((await reset(second)).status, 404);
      assert.equal((await login(email, OWNER.password)).status, 401);
      assert.equal((await login(email, chosen)).status, 200);
    });
    assert.match(tries.link, /\/forgot-password$/);
    const { rows } = await test.app.store.asSystem((tx) =>
      tx.execute(sql`select t::text as row from one_time_tokens t where purpose = 'password_reset'`),
    );
    assert.ok(rows.length > 0 && ![first, second].some((token) => JSON.stringify(rows).includes(token)));
  });

  it('a link is good for half an hour, for its own account and the address it has', async () => {
    const email = 'late@acme.test';
    await join(email, 'mail');
    const token = await resetToken(email);
    const { rows } = await test.app.store.asSystem((tx) =>
      tx.execute<{ minutes: number }>(
        sql`select round(extract(epoch from expires_at - created_at) / 60)::int as minutes from one_time_tokens where purpose = 'password_reset' and email = ${email}`,
      ),
    );
    assert.deepEqual(rows, [{ minutes: 30 }]);
    const age = (by: string) =>
      test.app.store.asSystem((tx) =>
        tx.execute(sql`update one_time_tokens set expires_at = expires_at + ${by}::interval where email = ${email}`),
      );
    await age('-30 minutes');
    assert.equal((await reset(token)).status, 404);
    await age('30 minutes');
    assert.equal((await reset(token, 'only for the late one')).status, 200);
    assert.equal((await login(OWNER.email, 'only for the late one')).status, 401);
    assert.equal((await login(OWNER.email, OWNER.password)).status, 200);
    assert.equal(
      (await send('/auth/reset-password', { token: await resetToken(email), password: 'short' })).status,
      400,
    );
  });

  it('whoever runs the installation makes a link for anybody, which proves nothing', async () => {
    const email = 'locked-out@acme.test';
    await join(email, 'copy');
    const make = (whom: string) => test.app.store.asSystem((tx) => makeResetLink(tx, whom, test.url));
    await assert.rejects(make('nobody@acme.test'), { code: 'not_found' });
    const token = (await make(' Locked-Out@acme.test')).split('#token=')[1] ?? '';
    assert.equal((await reset(token, 'out of the terminal')).status, 200);
    const { data } = await login(email, 'out of the terminal');
    assert.equal((await addressOf(test.as(data.accessToken))).emailVerified, false);
  });

  it('answers alike whether there is an account, and sends nothing to whom it must not', async () => {
    await join('copied@acme.test', 'copy');
    const disabled = await join('disabled@acme.test', 'mail');
    await test.app.store.asSystem((tx) =>
      tx.execute(sql`update users set disabled_at = now() where id = ${disabled.user.id}::uuid`),
    );
    const asked = ['nobody@acme.test', 'copied@acme.test', 'disabled@acme.test'];
    const answers = await Promise.all([OWNER.email, ...asked].map(forgot));
    assert.equal(new Set(answers.map(({ status, body, cookie }) => `${status} ${body} ${cookie}`)).size, 1);
    await until(async () => lettersTo(OWNER.email, NEW_PASSWORD)[0], 'the owner got one');
    await stays(() => asked.every((email) => lettersTo(email, NEW_PASSWORD).length === 0), 'nobody else did', 300);
    assert.equal((await send('/auth/forgot-password', { email: `${OWNER.email}\r\nBcc: eve@evil.test` })).status, 400);
    assert.equal((await send('/auth/forgot-password', { email: OWNER.email, token: 'x' })).status, 400);
  });

  it('an address gets few of them however many ask, and one client asks for few', async () => {
    const email = 'flooded@acme.test';
    await join(email, 'mail');
    for (let count = 0; count < 20; count++) assert.equal((await forgot(email)).status, 200);
    await until(async () => lettersTo(email, NEW_PASSWORD).length >= 3, 'the first came');
    await stays(() => lettersTo(email, NEW_PASSWORD).length === 3, 'and no more', 300);
    const from = { 'x-forwarded-for': '203.0.113.77' };
    const answers: number[] = [];
    for (let count = 0; count < 12; count++)
      answers.push((await send('/auth/forgot-password', { email: `nobody${count}@acme.test` }, from)).status);
    assert.deepEqual([answers.slice(0, 10).every((status) => status === 200), answers.at(-1)], [true, 429]);
    assert.equal((await reset(tokenOf(lettersTo(email, NEW_PASSWORD)[0]))).status, 200, 'the first link is good still');
  });

  it('an invitation proves an address by the mail alone, in the language and the words of whoever invites', async () => {
    const mailed = await join('mailed@acme.test', 'mail');
    assert.equal((await addressOf(test.as(mailed.accessToken))).emailVerified, true);
    const copy = await join('by-copy@acme.test', 'copy');
    assert.equal((await addressOf(test.as(copy.accessToken))).emailVerified, false);
    await until(
      async () => lettersTo('by-copy@acme.test', CONFIRM)[0],
      'whoever took the copied link is asked to prove it',
    );
    assert.equal((await send('/auth/accept-invite', { token: copied, password: OWNER.password })).status, 404);

    const evil = 'Eve\r\nBcc: all@evil.test\r\n\r\n<b>Pay at http://evil.test</b>';
    assert.equal((await test.owner('PATCH', '/me', { name: evil })).status, 200);
    const invite = (email: string) =>
      fetch(`${test.url}/api/v1/members/invite`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'accept-language': 'de-DE',
          authorization: `Bearer ${test.ownerToken}`,
        },
        body: JSON.stringify({ email, role: 'agent' }),
      });
    const letter = await letterOn('german@acme.test', /lädt Sie/, () => invite('german@acme.test'));
    await test.owner('PATCH', '/me', { name: 'Olga' });
    assert.deepEqual(
      [letter.to, letter.headers['bcc'], letter.headers['to']],
      [['german@acme.test'], undefined, ['german@acme.test']],
    );
    assert.match(letter.text, /Einladung annehmen/);
    assert.ok(!letter.html.includes('<b>') && !letter.text.includes('http://evil.test'));
    for (const email of ['a@b.test\r\nRCPT TO:<all@evil.test>', 'a@b.test, all@evil.test', '<all@evil.test>'])
      assert.equal((await invite(email)).status, 400);
    const before = smtp.tries();
    const again: boolean[] = [];
    for (let count = 0; count < 5; count++)
      again.push(((await (await invite('pestered@acme.test')).json()) as { data: InvitationCreated }).data.mailed);
    assert.deepEqual(again, [true, true, true, false, false]);
    await until(async () => smtp.tries() - before >= 3, 'three of them went out');
  });

  it('tells a proven address of a sign-in from a device it does not know, and of no other', async () => {
    const email = 'travels@acme.test';
    await join(email, 'mail');
    const home = await login(email, OWNER.password, { 'x-forwarded-for': '198.51.100.1', 'user-agent': FIREFOX });
    await until(async () => lettersTo(email, NEW_SIGN_IN).length === 1, 'another network is told');
    const phone = { 'x-forwarded-for': '203.0.113.1', 'user-agent': SAFARI, 'accept-language': 'de' };
    const letter = await letterOn(email, /^Neue Anmeldung/, () => login(email, OWNER.password, phone));
    assert.match(letter.text, /Safari, iOS, von 203\.0\.113\.…/);
    assert.ok(!letter.raw.includes('203.0.113.1'));
    // The same again, from the network it was seen in before, and a known browser anywhere.
    const [near] = [{ ...phone, 'x-forwarded-for': '203.0.113.9' }];
    assert.equal((await login(email, OWNER.password, near)).status, 200);
    const abroad = { 'x-forwarded-for': '198.18.0.1', 'user-agent': FIREFOX, cookie: home.cookie ?? '' };
    assert.equal((await login(email, OWNER.password, abroad)).status, 200);
    const unproven = await login('copied@acme.test', OWNER.password, phone);
    assert.equal(unproven.status, 200);
    await stays(
      () =>
        lettersTo(email, /^Neue Anmeldung|^A new sign-in/).length === 2 &&
        lettersTo('copied@acme.test', /^Neue Anmeldung|^A new sign-in/).length === 0,
      'nobody else is told',
      300,
    );
    // From then on in the language they signed in with.
    await letterOn(email, /^Neues Passwort/, () => forgot(email));
  });

  it('another address takes the place of the old one when it is proven, and not before', async () => {
    const email = 'moves@acme.test';
    const { accessToken } = await join(email, 'mail');
    const call = test.as(accessToken);
    const ask = async (wish: string): Promise<void> => {
      const answer = await call<{ email: string }>('PATCH', '/me', { email: wish, currentPassword: OWNER.password });
      assert.deepEqual([answer.status, answer.data.email], [200, email]);
    };
    const [abandoned, wanted] = ['typo@acme.test', 'moved@acme.test'];
    const first = await letterOn(abandoned, CONFIRM, () => ask(abandoned));
    const link = await letterOn(wanted, CONFIRM, () => ask(wanted));
    assert.deepEqual(await addressOf(call), { email, emailVerified: true, pendingEmail: wanted, mail: 'sent' });
    assert.equal((await send('/auth/prove-address', { token: tokenOf(first) })).status, 404, 'given up for another');
    assert.equal((await login(wanted, OWNER.password)).status, 401);
    const old = await resetToken(email);
    const told = await letterOn(email, /address at Parley was changed/, () =>
      send('/auth/prove-address', { token: tokenOf(link) }),
    );
    assert.ok(!told.raw.includes(wanted));
    assert.equal((await addressOf(call)).email, wanted);
    assert.equal((await reset(old)).status, 404, 'links to the old address open nothing');
    assert.equal((await login(email, OWNER.password)).status, 401);
    assert.equal((await login(wanted, OWNER.password)).status, 200);
    // With a new password in the same call the link to the new address stays good.
    const both = { email: 'both@acme.test', password: 'another good password', currentPassword: OWNER.password };
    const another = await letterOn(both.email, CONFIRM, () => call('PATCH', '/me', both));
    assert.equal((await send('/auth/prove-address', { token: tokenOf(another) })).status, 200);
    assert.equal((await login(both.email, both.password)).status, 200);
    // Somebody else's address is not told of, and not taken.
    assert.equal((await call('PATCH', '/me', { email: OWNER.email, currentPassword: both.password })).status, 200);
    assert.equal((await addressOf(call)).pendingEmail, null);
  });

  it('shows the operator that mails went, and no link', async () => {
    const { data } = await test.owner<MailItem[]>('GET', '/mail?limit=100');
    assert.ok(data.length > 20);
    assert.ok(data.every(({ message }) => message === null));
    assert.doesNotMatch(JSON.stringify(data), /token=/);
  });
});
