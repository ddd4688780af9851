import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connect, startTestApp } from './test/app.ts';
import { startParley } from './test/process.ts';
import { copyEmbeddedTemplate } from './test/template.ts';

const NOBODY = { PARLEY_OWNER_EMAIL: '', PARLEY_OWNER_PASSWORD: '' };

async function assertServesProbesOnly(url: string): Promise<void> {
  for (const path of [
    '/',
    '/demo',
    '/widget.js',
    '/docs',
    '/openapi.json',
    '/api/v1/me',
    '/webhooks/telegram/some-token',
    '/chat/some-token',
    '/socket.io/?EIO=4&transport=polling',
  ]) {
    assert.equal((await fetch(url + path)).status, 404, path);
  }
  const login = await fetch(`${url}/api/v1/auth/login`, { method: 'POST', body: '{}' });
  assert.equal(login.status, 404);
  await assert.rejects(connect(url, { inbox: 'some-token' }));
  for (const path of ['/health', '/health/live', '/health/ready', '/metrics']) {
    assert.equal((await fetch(url + path)).status, 200, path);
  }
}

describe('a process that was asked to end', () => {
  it('says so first and serves on, sockets too, for as long as PARLEY_DRAIN_NOTICE; then its doors are closed', async () => {
    const test = await startTestApp({ PARLEY_DRAIN_NOTICE: '1' });
    const socket = await connect(test.url, { token: test.ownerToken });
    const closed = test.close();
    assert.equal((await fetch(`${test.url}/health/ready`)).status, 503);
    assert.equal((await test.owner('GET', '/me')).status, 200);
    assert.equal((await socket.call('admin:get_stats', {})).success, true);
    await closed;
    await assert.rejects(fetch(`${test.url}/health/ready`));
    assert.equal(socket.socket.connected, false);
    socket.close();
  });
});

describe('the doors of a worker', () => {
  it('a worker answers its probes and opens no other door', async () => {
    const test = await startTestApp({ ...NOBODY, PARLEY_ROLES: 'worker', PARLEY_DEMO: '1' });
    try {
      await assertServesProbesOnly(test.url);
    } finally {
      await test.close();
    }
  });

  it('--roles= on the command line is the same as the variable', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'parley-roles-'));
    await copyEmbeddedTemplate(dataDir);
    const env = { DATA_DIR: dataDir, PORT: '0', PARLEY_DEMO: '0', PARLEY_ROLES: 'api' };
    const parley = await startParley(env, ['--roles=worker:delivery']);
    try {
      await assertServesProbesOnly(parley.url);
      assert.equal(await parley.end('SIGTERM'), 0);
    } finally {
      await parley.end('SIGKILL');
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
