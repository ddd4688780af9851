import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createOutbound } from '../platform/outbound/breaker.ts';
import { createLogger } from '../platform/telemetry/log.ts';
import { startHttpDouble } from '../test/doubles/http-double.ts';
import { createChannelHttp } from './http.ts';

const seen: string[] = [];
const platform = await startHttpDouble(async ({ path }, response) => {
  seen.push(path);
  if (path === '/redirect') return void response.writeHead(302, { location: '/elsewhere' }).end();
  if (path === '/huge') return void response.end(Buffer.alloc(26 * 1024 * 1024));
  if (path === '/ill') return void response.writeHead(503, { 'retry-after': '9' }).end('{"ok":false}');
  response.end('fine');
});
after(() => platform.close());

const http = createChannelHttp({
  channel: {
    name: 'telegram',
    api: { name: 'telegram', url: 'http://127.0.0.1:9', hosts: ['files.platform.example'] },
  },
  baseUrl: `${platform.url}/`,
  outbound: createOutbound({ log: createLogger({ level: 'silent' }) }),
  readFile: async () => Buffer.alloc(0),
});

test('a redirect is an answer, not a place to carry credentials to', async () => {
  assert.equal((await http.fetch('/redirect', { method: 'GET' })).status, 302);
  assert.ok(!seen.includes('/elsewhere'));
});

test('an answer without end is not read to its end', async () => {
  await assert.rejects(http.fetch('/huge', { method: 'GET' }), { code: 'payload_too_large' });
});

test('a failure is asked for once and handed over with what the platform said', async () => {
  const answer = await http.fetch('/ill', { method: 'POST', body: '{}' });
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['retry-after'], '9');
  assert.equal(answer.body.toString(), '{"ok":false}');
  assert.equal(seen.filter((path) => path === '/ill').length, 1);
});
