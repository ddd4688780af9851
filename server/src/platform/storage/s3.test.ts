import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, beforeEach, describe, it } from 'node:test';
import { startS3Double } from '../../test/doubles/s3.ts';
import type { S3Double } from '../../test/doubles/s3.ts';
import { createOutbound } from '../outbound/breaker.ts';
import type { Outbound } from '../outbound/breaker.ts';
import { createLogger } from '../telemetry/log.ts';
import { createStorage } from './storage.ts';
import type { Storage } from './storage.ts';

const log = createLogger({ level: 'silent' });
const text = { contentType: 'text/plain' };
const key = 'workspace/attachments/id.png';

describe('files in a bucket', () => {
  let double: S3Double;
  let outbound: Outbound;
  let storage: Storage;
  const settings = (secretKey = 'secret') => ({
    endpoint: double.url,
    bucket: 'parley',
    accessKey: 'access',
    secretKey,
    region: 'eu-1',
  });
  before(async () => {
    double = await startS3Double({ bucket: 'parley', secretKey: 'secret' });
  });
  beforeEach(() => {
    double.calls.length = 0;
    outbound = createOutbound({ log, backoffMs: 1 });
    storage = createStorage({ dataDir: '/nonexistent', s3: settings() }, outbound);
  });
  after(() => double.close());

  it('a key that is none is refused before anything is asked', async () => {
    for (const evil of ['', '../x', '/x', 'a//b', 'a/../b', '.hidden', 'a b', 'ä']) {
      await assert.rejects(storage.get(evil), { status: 400 }, evil);
      await assert.rejects(storage.put(evil, Buffer.from('x'), text), { status: 400 }, evil);
      await assert.rejects(storage.remove(evil), { status: 400 }, evil);
    }
    assert.deepEqual(double.calls, []);
  });

  it('wrong credentials are a fault of ours, asked for once; the secret is in no word of it', async () => {
    const wrong = createStorage({ dataDir: '/nonexistent', s3: settings('another secret') }, outbound);
    await assert.rejects(wrong.get(key), (error: Error) => {
      assert.ok(!/another secret/.test(`${error.message} ${error.stack}`));
      assert.match(error.message, /403/);
      return true;
    });
    assert.deepEqual(double.calls, [`GET ${key}`]);
  });

  it('its probe asks for the bucket once, and fails when it is not there or silent', async () => {
    await storage.probe();
    assert.equal(double.calls.length, 1);
    const missing = createStorage({ dataDir: '/nonexistent', s3: { ...settings(), bucket: 'another' } }, outbound);
    await assert.rejects(missing.probe(), { status: 404 });
    double.fail('unavailable');
    await assert.rejects(storage.probe(), { status: 500 });
    assert.equal(double.calls.length, 3, 'nothing is tried again');
    assert.equal(double.objects.size, 0);
  });

  it('what is not there is a 404 to read and nothing to remove', async () => {
    await assert.rejects(storage.get('none'), { status: 404 });
    await storage.remove('none');
    assert.equal(outbound.report()['files']?.state, 'closed');
  });

  it('bytes come back as they were, are replaced, and go', async () => {
    const bytes = randomBytes(300_000);
    await storage.put(key, Buffer.from('first'), text);
    await storage.put(key, bytes, { contentType: 'image/png' });
    assert.equal(double.objects.get(key)?.contentType, 'image/png');
    assert.deepEqual(await storage.get(key), bytes);
    const path = join(mkdtempSync(join(tmpdir(), 'parley-s3-')), 'file');
    const large = Buffer.alloc(3 * 1024 * 1024, 'ä');
    writeFileSync(path, large);
    const sha256 = createHash('sha256').update(large).digest('hex');
    await storage.putFile('from/disk', { path, size: large.length, sha256 }, text);
    assert.ok((await buffer(await storage.open('from/disk'))).equals(large));
    await assert.rejects(storage.open('none'), { status: 404 });
    rmSync(dirname(path), { recursive: true });
    await storage.put('empty', Buffer.alloc(0), text);
    assert.equal((await storage.get('empty')).length, 0);
    await storage.remove(key);
    await assert.rejects(storage.get(key), { status: 404 });
  });

  it('failures that pass are tried again', async () => {
    double.fail('unavailable');
    await storage.put(key, Buffer.from('x'), text);
    double.fail('drop');
    assert.equal(String(await storage.get(key)), 'x');
    double.fail('slow-down', 2);
    await storage.remove(key);
    assert.deepEqual(double.calls.map((call) => call.slice(0, 3)).join(), 'PUT,PUT,GET,GET,DEL,DEL,DEL');
  });

  it('a provider that stays away is a 503, and is not asked any more', async () => {
    double.fail('unavailable', 6);
    await assert.rejects(storage.get(key), { status: 503 });
    await assert.rejects(storage.get(key), { status: 503 });
    assert.equal(outbound.report()['files']?.state, 'open');
    const asked = double.calls.length;
    await assert.rejects(storage.get(key), { status: 503 });
    assert.equal(double.calls.length, asked);
  });
});
