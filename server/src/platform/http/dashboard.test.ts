import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
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

  it('sends the smaller forms the build made to whoever takes them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-http-'));
    await mkdir(join(folder, 'assets'));
    const page = `<title>Parley</title>${'<p>one and the same</p>'.repeat(100)}`;
    const script = 'export const word = "again and again";\n'.repeat(200);
    for (const [name, text] of [
      ['index.html', page],
      ['assets/index-abc123.js', script],
    ] as const) {
      await writeFile(join(folder, name), text);
      await writeFile(join(folder, `${name}.br`), brotliCompressSync(text));
      await writeFile(join(folder, `${name}.gz`), gzipSync(text));
    }
    await writeFile(join(folder, 'assets', 'tiny-abc123.js'), '1');
    const http = await buildHttp();
    await serveDashboard(http, folder);
    const open = (url: string, encoding: string) =>
      http.inject({ url, headers: { accept: 'text/html', 'accept-encoding': encoding } });
    for (const [encoding, decode] of [
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      for (const [url, text] of [
        ['/', page],
        ['/inbox/1', page],
        ['/assets/index-abc123.js', script],
      ] as const) {
        const { headers, rawPayload } = await open(url, encoding);
        assert.equal(headers['content-encoding'], encoding, url);
        assert.match(String(headers.vary), /accept-encoding/i);
        assert.match(String(headers['content-type']), url.endsWith('.js') ? /javascript/ : /text\/html/);
        assert.match(String(headers['cache-control']), url.endsWith('.js') ? /immutable/ : /no-cache/);
        assert.ok(rawPayload.length < text.length / 4);
        assert.equal(decode(rawPayload).toString(), text);
      }
    }
    for (const [url, encoding] of [
      ['/', 'identity'],
      ['/assets/tiny-abc123.js', 'br'],
    ] as const) {
      const { headers, statusCode } = await open(url, encoding);
      assert.equal(statusCode, 200);
      assert.equal(headers['content-encoding'], undefined);
    }
    await http.close();
    await rm(folder, { recursive: true });
  });
});
