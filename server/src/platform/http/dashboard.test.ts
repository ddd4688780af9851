import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { buildHttp } from '../../test/http-server.ts';
import { serveDashboard } from './index.ts';

describe('the dashboard', () => {
  it('gets its page for its own addresses only, and its hashed files for ever', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-http-'));
    await mkdir(join(folder, 'assets'));
    await writeFile(join(folder, 'index.html'), '<title>Parley</title>');
    await writeFile(join(folder, 'assets', 'index-abc123.js'), '1');
    const http = await buildHttp();
    await serveDashboard(http, folder);
    const open = (url: string, accept = 'text/html') => http.inject({ url, headers: { accept } });
    for (const url of [
      '/api/v1/nothing',
      '/webhooks/x',
      '/socket.io/x',
      '/assets/gone.js',
      '/../../etc/passwd',
      '/.env',
    ]) {
      const response = await open(url);
      assert.ok(!response.body.includes('root:'), url);
      if (!url.includes('..') && url !== '/.env') assert.equal(response.statusCode, 404, url);
    }
    assert.equal((await open('/inbox/1', 'application/json')).statusCode, 404);
    for (const url of ['/', '/inbox/1?x=1']) {
      const response = await open(url);
      assert.equal(response.statusCode, 200, url);
      assert.match(response.body, /Parley/);
      assert.equal(response.headers['cache-control'], 'no-cache');
    }
    assert.match(String((await open('/assets/index-abc123.js', '*/*')).headers['cache-control']), /immutable/);
    await http.close();
    await rm(folder, { recursive: true });
  });
});
