import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPasswords } from './password.ts';

const passwords = createPasswords();

test('wrong, empty, longer and shorter passwords are refused', async () => {
  const stored = await passwords.hash('correct horse');
  for (const wrong of ['', 'correct hors', 'correct horse ', 'Correct horse', 'x'.repeat(2_000)]) {
    assert.equal(await passwords.verify(wrong, stored), false, wrong.slice(0, 20));
  }
});

test('no account, and what is no hash of ours, is refused without an error', async () => {
  const stored = await passwords.hash('x');
  const bad = [undefined, '', 'x', '$2b$10$abcdefghijklmnopqrstuv', stored.slice(0, -30), `${stored}!`];
  bad.push(
    stored.replace('argon2id', 'argon2i'),
    stored.replace('m=19456', 'm=9999999'),
    stored.replace('t=2', 't=99'),
  );
  bad.push(stored.replace('p=1', 'p=0'), stored.replace('m=19456', 'm=1'));
  for (const hash of bad) assert.equal(await passwords.verify('x', hash), false, hash);
});

test('the right password passes; hashes are salted PHC strings with the parameters in them', async () => {
  const [first, second] = await Promise.all([passwords.hash('päss🙂'), passwords.hash('päss🙂')]);
  assert.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(first, second);
  assert.equal(await passwords.verify('päss🙂', first), true);
  assert.equal(await passwords.verify('pa\u0308ss🙂', first), true, 'another spelling of the same letters');
});

test("another implementation's hash is understood and seen as stale", async () => {
  // Test vector of the reference implementation (phc-winner-argon2): argon2id, t=2, m=256, p=1.
  const reference = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';
  assert.equal(await passwords.verify('password', reference), true);
  assert.equal(passwords.isStale(reference), true);
  assert.equal(passwords.isStale(await passwords.hash('x')), false);
  assert.equal(passwords.isStale('nonsense'), true);
});

test('a flood is turned away with a 503; those let in are answered, and the gate opens again', async () => {
  const gated = createPasswords({ concurrent: 1, waiting: 2 });
  const results = await Promise.allSettled(Array.from({ length: 6 }, () => gated.hash('x')));
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected'],
  );
  const refusal = results.find((result) => result.status === 'rejected');
  assert.equal(refusal?.reason.status, 503);
  assert.match(await gated.hash('x'), /^\$argon2id/);
});

test('a password nobody types is not hashed', async () => {
  await assert.rejects(passwords.hash('x'.repeat(1_025)), RangeError);
});
