import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyring, DecryptError } from './crypto.ts';

const key = (id: string, byte: number) => ({ id, key: Buffer.alloc(32, byte) });
const ring = (...keys: { id: string; key: Buffer }[]) =>
  createKeyring({ secrets: { encryptionKeys: keys, jwtSecret: '' } });

const refused = (work: () => string): void => assert.throws(work, DecryptError);

test('a changed byte anywhere is refused', () => {
  const { encrypt, decrypt } = ring(key('k1', 1));
  const cipher = encrypt('bot token');
  const bytes = Buffer.from(cipher.slice(3), 'base64url');
  for (let index = 0; index < bytes.length; index += 1) {
    const altered = Buffer.from(bytes);
    altered[index] = (altered[index] ?? 0) ^ 1;
    refused(() => decrypt(`k1.${altered.toString('base64url')}`));
  }
});

test('what is cut off, empty, or no ciphertext at all is refused', () => {
  const { encrypt, decrypt } = ring(key('k1', 1));
  const cipher = encrypt('x');
  for (const text of ['', '.', 'k1', 'k1.', 'k1.AAAA', cipher.slice(0, -4), `k1${cipher}`, 'plain text', '{"a":1}']) {
    refused(() => decrypt(text));
  }
});

test('another key, a relabelled key and another place are refused', () => {
  const first = ring(key('a', 1));
  const cipher = first.encrypt('x', 'inbox-1');
  refused(() => ring(key('a', 2)).decrypt(cipher, 'inbox-1'));
  refused(() => ring(key('b', 1)).decrypt(cipher, 'inbox-1'));
  refused(() => ring(key('b', 1)).decrypt(cipher.replace(/^a/, 'b'), 'inbox-1'));
  refused(() => first.decrypt(cipher, 'inbox-2'));
  refused(() => first.decrypt(cipher));
  assert.equal(first.decrypt(cipher, 'inbox-1'), 'x');
});

test('the errors tell nothing of the text', () => {
  const { encrypt, decrypt } = ring(key('k1', 1));
  const cipher = `${encrypt('s3cret')}A`;
  assert.throws(
    () => decrypt(cipher),
    (error) => error instanceof Error && !error.message.includes('s3cret') && !error.message.includes(cipher),
  );
});

test('any text comes back, and the same text never looks the same', () => {
  const { encrypt, decrypt } = ring(key('k1', 1));
  for (const text of ['', 'ü🙂\u0000', 'x'.repeat(100_000)]) assert.equal(decrypt(encrypt(text)), text);
  assert.notEqual(encrypt('x'), encrypt('x'));
  assert.match(encrypt('x'), /^k1\.[A-Za-z0-9_-]+$/);
});

test('rotation: the new key encrypts, the old one still decrypts and is seen as stale', () => {
  const old = ring(key('old', 1)).encrypt('x');
  const rotated = ring(key('new', 2), key('old', 1));
  assert.equal(rotated.decrypt(old), 'x');
  assert.equal(rotated.isStale(old), true);
  const fresh = rotated.encrypt('x');
  assert.match(fresh, /^new\./);
  assert.equal(rotated.isStale(fresh), false);
  refused(() => ring(key('new', 2)).decrypt(old));
});

test('a keyring without a key is not made', () => {
  assert.throws(() => ring(), DecryptError);
});
