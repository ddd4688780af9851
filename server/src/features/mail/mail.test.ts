import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { MailItem, MailServerState } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { OWNER, startTestApp, until } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';
import { startSmtp } from '../../test/doubles/smtp.ts';
import type { SmtpDouble, SmtpManner } from '../../test/doubles/smtp.ts';
import { stays } from '../../test/stays.ts';

const { email } = OWNER;

async function mailsOf(test: TestApp): Promise<MailItem[]> {
  const { status, data } = await test.owner<MailItem[]>('GET', '/mail');
  assert.equal(status, 200);
  return data;
}

/** Has a test mail sent; it, in the list. */
async function sendTest(test: TestApp): Promise<MailItem> {
  const known = new Set((await mailsOf(test)).map(({ id }) => id));
  assert.equal((await test.owner('POST', '/mail/test')).status, 200);
  return until(
    async () => (await mailsOf(test)).find(({ id, template }) => template === 'test' && !known.has(id)),
    'the mail is in the list',
  );
}

const becomes = (test: TestApp, id: string, fits: (mail: MailItem) => boolean, what: string): Promise<MailItem> =>
  until(async () => (await mailsOf(test)).find((mail) => mail.id === id && fits(mail)), what);

describe('mail by a server', () => {
  let test: TestApp;
  let smtp: SmtpDouble;
  const lines: string[] = [];
  before(async () => {
    smtp = await startSmtp();
    test = await startTestApp(
      { MAIL_URL: smtp.url, MAIL_FROM: 'Pärley, the desk <desk@parley.test>', LOG_LEVEL: 'debug' },
      { writeLog: (line) => void lines.push(line), pace: { mailRetryMs: 1_000, mailTimeoutMs: 2_000 } },
    );
  });
  after(async () => {
    await test?.close();
    await smtp?.close();
  });

  const lettersOf = (id: string) => smtp.letters.filter(({ headers }) => headers['message-id']?.[0]?.includes(id));

  it('leaves as text and HTML, says who it is from, and is not shown any more', async () => {
    const { id } = await sendTest(test);
    const sent = await becomes(test, id, ({ state }) => state === 'sent', 'it is sent');
    assert.deepEqual([sent.tries, sent.error, sent.message, sent.to], [1, null, null, email]);
    const [letter, ...others] = lettersOf(id);
    assert.ok(letter && others.length === 0);
    assert.deepEqual([letter.from, letter.to], ['desk@parley.test', [email]]);
    const { headers } = letter;
    assert.equal(headers['from']?.join().replaceAll('"', ''), 'Pärley, the desk <desk@parley.test>');
    assert.deepEqual(headers['message-id'], [`<${id}@parley.test>`]);
    assert.deepEqual(headers['auto-submitted'], ['auto-generated']);
    assert.match(letter.text, /test mail you asked for/);
    assert.match(letter.html, /test mail you asked for/);
    assert.match(letter.html, /prefers-color-scheme: dark/);
    assert.doesNotMatch(letter.html, /<img|<link|src=|url\(|@import/);
    const { data } = await test.owner<MailServerState>('GET', '/mail/server');
    assert.equal(data.delivery, 'sent');
    assert.match(data.host ?? '', /^127\.0\.0\.1:\d+$/);
  });

  const failures: [SmtpManner, string][] = [
    ['later', 'later'],
    ['silent', 'timeout'],
    ['drop', 'connection'],
    ['refuse login', 'login'],
  ];
  for (const [manner, error] of failures)
    it(`is tried again after a server that behaves so: ${manner}`, async () => {
      smtp.behave(manner);
      const { id } = await sendTest(test);
      const waiting = await becomes(test, id, (mail) => mail.error !== null, 'it failed once');
      smtp.behave('well');
      assert.deepEqual([waiting.state, waiting.error], ['waiting', error]);
      const sent = await becomes(test, id, ({ state }) => state === 'sent', 'it is sent');
      assert.ok(sent.tries >= 2);
      assert.equal(lettersOf(id).length, 1);
    });

  it('is the same mail for whoever gets it twice: the server took it, and the line was cut before it said so', async () => {
    smtp.behave('take and drop');
    const { id } = await sendTest(test);
    await becomes(test, id, (mail) => mail.error !== null, 'it failed once');
    smtp.behave('well');
    await becomes(test, id, ({ state }) => state === 'sent', 'it is sent');
    const twice = lettersOf(id);
    assert.ok(twice.length >= 2);
    assert.equal(new Set(twice.map(({ headers }) => JSON.stringify([headers['message-id'], headers['date']]))).size, 1);
  });

  it('is given up when it is refused for good, with the reason, and tried again by hand', async () => {
    smtp.behave('refuse mail');
    const refused = await becomes(
      test,
      (await sendTest(test)).id,
      ({ state }) => state === 'failed',
      'the mail is refused',
    );
    assert.equal(refused.error, 'mail_refused');
    // A server may quote the letter, and links in it are for one person.
    assert.match(refused.detail ?? '', /^554 5\.7\.1 … Message refused$/);
    smtp.behave('refuse address');
    const { id } = await sendTest(test);
    const failed = await becomes(test, id, ({ state }) => state === 'failed', 'the address is refused');
    assert.deepEqual([failed.error, failed.tries, failed.nextAttemptAt], ['address_refused', 1, null]);
    assert.match(failed.detail ?? '', /550 5\.1\.1/);
    smtp.behave('well');
    assert.equal((await test.owner<MailItem>('POST', `/mail/${id}/retry`)).data.state, 'waiting');
    await becomes(test, id, ({ state }) => state === 'sent', 'it is sent');
    assert.equal((await test.owner('POST', `/mail/${id}/retry`)).status, 409);
    assert.equal((await test.owner('POST', '/mail/01890000-0000-7000-8000-000000000000/retry')).status, 404);
  });

  it('outlives a restart; what is over is not sent, and old ones are deleted', async () => {
    smtp.behave('later');
    const [kept, over, old] = [await sendTest(test), await sendTest(test), await sendTest(test)];
    for (const { id } of [kept, over, old]) await becomes(test, id, (mail) => mail.error !== null, 'it failed once');
    await test.app.store.asSystem(async (tx) => {
      await tx.execute(sql`update mails set expires_at = now() where id = ${over.id}::uuid`);
      await tx.execute(sql`update mails set created_at = now() - interval '31 days' where id = ${old.id}::uuid`);
    });
    await test.restart();
    smtp.behave('well');
    await becomes(test, kept.id, ({ state }) => state === 'sent', 'the first is sent');
    const end = await becomes(test, over.id, ({ state }) => state === 'failed', 'the second is given up');
    assert.equal(end.error, 'expired');
    assert.equal(lettersOf(over.id).length, 0);
    await until(async () => !(await mailsOf(test)).some(({ id }) => id === old.id), 'the third is deleted');
  });

  it('writes no address, text or login to the log, and stores what it says sealed', async () => {
    smtp.behave('later');
    const { id } = await sendTest(test);
    const { rows } = await test.app.store.asSystem((tx) =>
      tx.execute<{ content: string }>(sql`select content from mails where id = ${id}::uuid`),
    );
    assert.match(rows[0]?.content ?? '', /^[\w-]+\.[\w-]{20,}$/);
    smtp.behave('well');
    await becomes(test, id, ({ state }) => state === 'sent', 'it is sent');
    const { rows: after } = await test.app.store.asSystem((tx) =>
      tx.execute(sql`select content from mails where id = ${id}::uuid`),
    );
    assert.deepEqual(after, [{ content: null }]);
    const log = lines.join('\n');
    for (const secret of ['mail-secret', email, 'test mail you asked for']) assert.ok(!log.includes(secret), secret);
  });
});

describe('mail without a server', () => {
  let test: TestApp;
  let printed = '';
  before(async () => {
    test = await startTestApp({}, { print: (text) => void (printed += text) });
  });
  after(() => test?.close());

  it('is printed in the log and shown to the operator, on the embedded database; and no more once there is a server', async () => {
    const isEmbedded = test.app.database.kind === 'embedded';
    const answer = await test.anonymous('POST', '/auth/forgot-password', { email });
    const { data: recovery } = await test.anonymous<{ mail: string }>('GET', '/auth/recovery');
    assert.deepEqual([answer.status, recovery.mail], isEmbedded ? [200, 'printed'] : [409, 'none']);
    if (!isEmbedded) return;
    const mail = await until(
      async () =>
        (await mailsOf(test)).find(({ template, state }) => template === 'password_reset' && state === 'printed'),
      'it is in the list',
    );
    const link = mail.message?.link ?? '';
    assert.match(link, /\/reset-password#token=[\w-]{20,}$/);
    assert.ok(printed.includes(`Mail to ${email}: Set a new password for Parley\n  ${link}\n`), printed);
    const [, token] = link.split('#token=');
    const password = 'a password out of the log';
    assert.equal((await test.anonymous('POST', '/auth/reset-password', { token, password })).status, 200);
    const login = await test.anonymous<{ accessToken: string }>('POST', '/auth/login', { email, password });
    assert.equal(login.status, 200);
    const owner = test.as(login.data.accessToken);
    // A link out of the log proves that somebody reads the log, and no mailbox.
    assert.equal((await owner<{ emailVerified: boolean }>('GET', '/me/address')).data.emailVerified, false);
    const smtp = await startSmtp();
    try {
      await test.restart({ env: { MAIL_URL: smtp.url } });
      const { data } = await owner<MailItem[]>('GET', '/mail');
      assert.ok(data.length > 0 && data.every(({ message }) => message === null));
      await stays(
        () => smtp.letters.every(({ subject }) => !subject.includes('new password')),
        'printed mails are not sent',
        300,
      );
    } finally {
      await smtp.close();
    }
  });
});
