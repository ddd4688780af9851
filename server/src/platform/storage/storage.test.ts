import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createOutbound } from '../outbound/breaker.ts';
import { createLogger } from '../telemetry/log.ts';
import { createStorage } from './storage.ts';

const outbound = createOutbound({ log: createLogger({ level: 'silent' }) });

const setUp = (context: TestContext) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-storage-'));
  context.after(() => rmSync(dataDir, { recursive: true, force: true }));
  return { dataDir, storage: createStorage({ dataDir }, outbound) };
};

const type = { contentType: 'text/plain' };
const bytes = (text: string): Buffer => Buffer.from(text);

const evil = [
  ...['../secrets.json', 'a/../../secrets.json', '/etc/passwd', '..', '.', '', 'a//b', 'a/', '/a', 'a/./b'],
  ...['.drafts/x', 'a/.hidden', 'a\\..\\b', 'a\u0000b', 'a\nb', '%2e%2e/x', '~/x', 'a b', 'ä', 'C:x', 'a'.repeat(200)],
  'a/'.repeat(20) + 'b',
];

test('a key that could leave the folder is refused, and nothing is touched', async (context) => {
  const { dataDir, storage } = setUp(context);
  const secret = join(dataDir, 'secrets.json');
  writeFileSync(secret, 'secret');
  for (const key of evil) {
    await assert.rejects(storage.get(key), { status: 400 }, key);
    await assert.rejects(storage.open(key), { status: 400 }, key);
    await assert.rejects(
      async () => storage.putFile(key, { path: secret, size: 6, sha256: '' }, type),
      { status: 400 },
      key,
    );
    await assert.rejects(storage.put(key, bytes('x'), type), { status: 400 }, key);
    await assert.rejects(storage.remove(key), { status: 400 }, key);
  }
  assert.deepEqual(readdirSync(dataDir), ['secrets.json']);
});

test('what is not there is a 404 to read and nothing to remove', async (context) => {
  const { storage } = setUp(context);
  await storage.put('a/b', bytes('x'), type);
  for (const key of ['none', 'a', 'a/c', 'a/b/c']) {
    await assert.rejects(storage.get(key), { status: 404 });
    await assert.rejects(storage.open(key), { status: 404 });
  }
  for (const key of ['none', 'a/c', 'a/b/c', 'a']) await storage.remove(key);
  assert.equal(String(await storage.get('a/b')), 'x');
});

test('bytes come back, are replaced whole, belong to their owner alone, and go', async (context) => {
  const { dataDir, storage } = setUp(context);
  const key = 'workspace-1/attachments/0192.tar.gz';
  await storage.put(key, bytes('first, and longer'), type);
  await storage.put(key, bytes('second'), type);
  assert.equal(String(await storage.get(key)), 'second');
  assert.equal(statSync(join(dataDir, 'files', key)).mode & 0o777, 0o600);
  await storage.remove(key);
  await assert.rejects(storage.get(key), { status: 404 });
});

test('a file goes in from the disk, comes out as a stream, and stays where it was', async (context) => {
  const { dataDir, storage } = setUp(context);
  const path = join(dataDir, 'upload');
  const large = Buffer.alloc(3 * 1024 * 1024, 'ä');
  writeFileSync(path, large, { mode: 0o600 });
  await storage.put('a/b', bytes('before'), type);
  await storage.putFile('a/b', { path, size: large.length, sha256: '' }, type);
  assert.ok((await buffer(await storage.open('a/b'))).equals(large));
  assert.equal(statSync(join(dataDir, 'files', 'a/b')).mode & 0o777, 0o600);
  assert.equal(statSync(path).size, large.length);
  assert.deepEqual(readdirSync(join(dataDir, 'files', '.drafts')), []);
});

test('its probe fails where nothing can be written, and leaves nothing where it can', async (context) => {
  const { dataDir, storage } = setUp(context);
  await storage.probe();
  assert.deepEqual(readdirSync(join(dataDir, 'files')), ['.drafts']);
  assert.deepEqual(readdirSync(join(dataDir, 'files', '.drafts')), []);
  rmSync(join(dataDir, 'files'), { recursive: true });
  writeFileSync(join(dataDir, 'files'), 'in the way');
  await assert.rejects(storage.probe());
});

test('a write that fails leaves no draft behind', async (context) => {
  const { dataDir, storage } = setUp(context);
  await storage.put('taken/file', bytes('x'), type);
  await assert.rejects(storage.put('taken', bytes('y'), type));
  assert.deepEqual(readdirSync(join(dataDir, 'files', '.drafts')), []);
  assert.equal(String(await storage.get('taken/file')), 'x');
});

test('readers beside writers see one version or the other, never a part', async (context) => {
  const { storage } = setUp(context);
  const versions = ['a', 'b'].map((letter) => letter.repeat(200_000));
  await storage.put('file', bytes(versions[0] ?? ''), type);
  await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      await storage.put('file', bytes(versions[index % 2] ?? ''), type);
      assert.ok(versions.includes(String(await storage.get('file'))));
    }),
  );
});
