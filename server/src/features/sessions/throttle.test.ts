import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Login, SignInAttempt } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { OWNER, startTestApp, until } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';
import { startSmtp } from '../../test/doubles/smtp.ts';
import type { SmtpDouble } from '../../test/doubles/smtp.ts';
import type { Letter } from '../../test/doubles/smtp-letter.ts';
import { join } from '../../test/security/world.ts';
import { shortenAddress } from './attempts.ts';

const WRONG = 'a wrong password';
type Tried = { status: number; code: string | undefined; cookie: string | undefined; data: Login | undefined };

/** Signs in from an address of its own, with the cookies of a browser, and anything else in the body. */
const createTry =
  (test: TestApp) =>
  async (from: string, body: object, cookie?: string): Promise<Tried> => {
    const response = await fetch(`${test.url}/api/v1/auth/login`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-forwarded-for': from,
        'user-agent': `Browser of ${from}`,
        ...(cookie ? { cookie } : {}),
      },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { error?: { code: string }; data?: Login };
    const cookies = response.headers.getSetCookie();
    return { status: response.status, code: answer.error?.code, cookie: cookies[0]?.split(';')[0], data: answer.data };
  };
const env = { TRUSTED_PROXIES: '127.0.0.1,::1', LOG_LEVEL: 'debug' };
const many = (count: number, run: (index: number) => Promise<Tried>) =>
  Promise.all(Array.from({ length: count }, (_, index) => run(index)));
/** A few at a time: a process that is busy with passwords counts for itself when Redis is late for it. */
async function fromMany(count: number, run: (index: number) => Promise<Tried>): Promise<void> {
  for (let index = 0; index < count; index += 4) await many(4, (more) => run(index + more));
}

describe('guessing at an account, without mail', () => {
  let test: TestApp;
  let attempt: ReturnType<typeof createTry>;
  const { email, password } = OWNER;
  before(async () => {
    test = await startTestApp(env, { writeLog: () => undefined });
    attempt = createTry(test);
  });
  after(() => test?.close());

  it('keeps its owner out nowhere: a known device passes, and so does the right password from elsewhere', async () => {
    const mine = await attempt('198.51.100.7', { email, password });
    assert.match(mine.cookie ?? '', /^parley_device_[0-9a-f]{16}=ey/);
    // One address that guesses on and on is sent away, and makes nobody else wait.
    const alone = await many(30, () => attempt('203.0.113.9', { email, password: WRONG }));
    assert.deepEqual(
      [401, 429].map((status) => alone.filter((one) => one.status === status).length),
      [10, 20],
    );
    // The right password from there is refused as well: it would tell.
    assert.equal((await attempt('203.0.113.9', { email, password })).status, 429);
    assert.equal((await attempt('198.51.100.8', { email, password })).status, 200);
    // Many addresses: the account becomes cautious of devices it does not know.
    await fromMany(40, (index) => attempt(`192.0.2.${index}`, { email, password: WRONG }));
    const one = [];
    for (let guess = 0; guess < 5; guess++) one.push((await attempt('192.0.2.200', { email, password: WRONG })).status);
    assert.deepEqual(one, [401, 401, 401, 429, 429]);
    assert.equal((await attempt('192.0.2.201', { email, password })).status, 200);
    // With its cookie, even from the address that guessed.
    assert.equal((await attempt('203.0.113.9', { email, password }, mine.cookie)).status, 200);
  });

  it('a cookie is good for its own account and its own guesses, and a forged one for nothing', async () => {
    const { cookie = '' } = await attempt('198.51.100.7', { email, password });
    await join(test, test.owner, 'agent@acme.test', 'agent');
    const victim = { email: 'agent@acme.test', password: WRONG };
    const [name = '', token = ''] = cookie.split('=');
    const [head, body, signature = ''] = token.split('.');
    const forged = `${name}=${head}.${body}.${signature.split('').reverse().join('')}`;
    for (const [index, used] of [cookie, forged, `${name}=`, `${name}=${test.ownerToken}`].entries()) {
      const tried = await many(14, () => attempt(`203.0.113.${50 + index}`, victim, used));
      assert.ok(tried.some(({ status }) => status === 429));
    }
    const device = await many(15, () => attempt('203.0.113.77', { email, password: WRONG }, cookie));
    assert.deepEqual(
      [401, 429].map((status) => device.filter((one) => one.status === status).length),
      [10, 5],
    );
  });

  it('answers the same for an account nobody has', async () => {
    const guess = (address: string) => async (index: number) =>
      attempt(`100.64.${address.length}.${index}`, { email: address, password: WRONG });
    await join(test, test.owner, 'somebody@acme.test', 'agent');
    const [known, unknown] = [
      await many(30, guess('somebody@acme.test')),
      await many(30, guess('nobody-here@acme.test')),
    ];
    const outcomes = (tried: Tried[]) => tried.map(({ status, code, cookie }) => [status, code, cookie]).sort();
    assert.deepEqual(outcomes(known), outcomes(unknown));
  });

  it('says plainly that no link can be sent', async () => {
    const answer = await test.anonymous('POST', '/auth/proof', { email });
    assert.deepEqual([answer.status, answer.error?.code], [409, 'conflict']);
    assert.match(answer.error?.message ?? '', /sends no mail/);
  });

  it('is shown to the owner of the account and to nobody else', async () => {
    const of = async (call: TestApp['owner']) => (await call<SignInAttempt[]>('GET', '/me/sign-ins?limit=100')).data;
    const { call } = await join(test, test.owner, 'fresh@acme.test', 'agent');
    await attempt('203.0.113.120', { email: 'fresh@acme.test', password: WRONG });
    await until(async () => (await of(call)).length === 2, 'it is written down');
    const [wrong, joined] = await of(call);
    assert.deepEqual(
      [wrong?.outcome, wrong?.address, wrong?.device, wrong?.knownDevice],
      ['wrong_password', '203.0.113.…', 'Browser of 203.0.113.120', false],
    );
    assert.equal(joined?.outcome, 'signed_in');
    assert.ok((await of(test.owner)).some(({ outcome }) => outcome === 'refused'));
    assert.equal((await test.anonymous('GET', '/me/sign-ins')).status, 401);
    assert.equal(shortenAddress('2001:db8:1:2:3::4'), '2001:db8:1:…');
    assert.equal(shortenAddress('::ffff:10.1.2.3'), '10.1.2.…');
  });

  it('a new password needs the current one, and ends the other logins', async () => {
    const first = await join(test, test.owner, 'changing@acme.test', 'agent');
    const login = { email: 'changing@acme.test', password: 'a long enough password' };
    const other = await attempt('198.51.100.30', login);
    const change = (body: object) => first.call('PATCH', '/me', body);
    assert.equal((await change({ password: 'another long password' })).status, 400);
    assert.equal((await change({ password: 'another long password', currentPassword: WRONG })).status, 400);
    assert.equal((await change({ email: 'x@y.test' })).status, 400);
    assert.equal((await test.as(other.data?.accessToken ?? '')('GET', '/me')).status, 200);
    const changed = await change({
      name: 'Chan Ging',
      password: 'another long password',
      currentPassword: login.password,
    });
    assert.equal(changed.status, 200);
    assert.equal((await first.call<{ user: { name: string } }>('GET', '/me')).data.user.name, 'Chan Ging');
    assert.equal((await test.as(other.data?.accessToken ?? '')('GET', '/me')).status, 401);
    assert.equal((await attempt('198.51.100.31', login)).status, 401);
    assert.equal((await attempt('198.51.100.31', { ...login, password: 'another long password' })).status, 200);
    for (let guess = 0; guess < 12; guess++) await change({ password: 'another long one', currentPassword: WRONG });
    assert.equal((await change({ password: 'another long one', currentPassword: WRONG })).status, 429);
  });
});

describe('guessing at an account, with mail', () => {
  let test: TestApp;
  let smtp: SmtpDouble;
  let attempt: ReturnType<typeof createTry>;
  const { email, password } = OWNER;
  const lines: string[] = [];
  before(async () => {
    smtp = await startSmtp();
    test = await startTestApp({ ...env, MAIL_URL: smtp.url }, { writeLog: (line) => void lines.push(line) });
    attempt = createTry(test);
  });
  after(async () => {
    await test?.close();
    await smtp?.close();
  });

  const proofOf = (letter: Letter | undefined): string => /#proof=([\w-]+)/.exec(letter?.text ?? '')?.[1] ?? '';
  const links = (): Letter[] => smtp.letters.filter((letter) => proofOf(letter) !== '');
  const link = async (): Promise<string> => {
    const before = links().length;
    assert.equal((await test.anonymous('POST', '/auth/proof', { email })).status, 200);
    await until(async () => links().length > before, 'a mail came');
    const letter = links().at(-1);
    assert.deepEqual(letter?.to, [email]);
    return proofOf(letter);
  };

  it('asks devices it does not know for a proof; a mailed link is one, once', async () => {
    const mine = await attempt('198.51.100.7', { email, password });
    await fromMany(40, (index) => attempt(`192.0.2.${index}`, { email, password: WRONG }));
    const unknown = await attempt('198.51.100.99', { email, password });
    assert.deepEqual([unknown.status, unknown.code], [429, 'proof_needed']);
    assert.equal((await attempt('198.51.100.98', { email, password }, mine.cookie)).status, 200);

    const proof = await link();
    assert.equal((await attempt('198.51.100.99', { email, password, proof: `${proof}x` })).code, 'proof_needed');
    // A mistyped password uses the link up, and leaves the browser known.
    const mistyped = await attempt('198.51.100.99', { email, password: WRONG, proof });
    assert.equal(mistyped.status, 401);
    assert.equal((await attempt('198.51.100.97', { email, password, proof })).code, 'proof_needed');
    assert.equal((await attempt('198.51.100.99', { email, password }, mistyped.cookie)).status, 200);
    assert.equal((await attempt('198.51.100.96', { email, password, proof: await link() })).status, 200);
  });

  it('a link is good for fifteen minutes, for its own account, and is kept as a hash', async () => {
    await join(test, test.owner, 'agent@acme.test', 'agent');
    const proof = await link();
    const victim = { email: 'agent@acme.test', password: WRONG };
    await fromMany(40, (index) => attempt(`192.0.3.${index}`, victim));
    assert.equal((await attempt('192.0.3.99', { ...victim, proof })).code, 'proof_needed');
    const tokens = sql`select t::text as row from one_time_tokens t where purpose = 'sign_in'`;
    const { rows } = await test.app.store.asSystem((tx) => tx.execute(tokens));
    assert.ok(rows.length > 0 && !JSON.stringify(rows).includes(proof));
    await test.app.store.asSystem((tx) =>
      tx.execute(sql`update one_time_tokens set expires_at = now() where purpose = 'sign_in'`),
    );
    assert.equal((await attempt('198.51.100.95', { email, password, proof })).code, 'proof_needed');
  });

  it('links are asked for by anybody and mailed in measure, for accounts there are; neither they nor secrets are logged', async () => {
    const before = links().length;
    for (let count = 0; count < 8; count++)
      await fetch(`${test.url}/api/v1/auth/proof`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': `192.0.4.${count}` },
        body: JSON.stringify({ email }),
      });
    assert.equal((await test.anonymous('POST', '/auth/proof', { email: 'nobody@acme.test' })).status, 200);
    assert.ok(links().length - before <= 5);
    assert.ok(links().every(({ to }) => to[0] === email));
    const log = lines.join('\n');
    for (const secret of ['mail-secret', ...links().map(proofOf)]) assert.ok(!log.includes(secret), secret);
  });

  it('a mail server that is away is told to the log, and nobody waits for it', async () => {
    await smtp.close();
    const other = await startTestApp({ ...env, MAIL_URL: smtp.url }, { writeLog: (line) => void lines.push(line) });
    try {
      assert.equal((await other.anonymous('POST', '/auth/proof', { email })).status, 200);
      await until(async () => lines.some((line) => line.includes('a mail was not sent')), 'the log has it');
      assert.ok(!lines.some((line) => line.includes('mail-secret')));
    } finally {
      await other.close();
    }
  });
});
