import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildHttp, slow, textOf } from '../../test/http-server.ts';

describe('a server that is asked to end', () => {
  it('is ready until it drains; what is under way finishes first', async () => {
    const http = await buildHttp();
    const url = await http.listen({ port: 0, host: '127.0.0.1' });
    assert.equal((await fetch(`${url}/health/ready`)).status, 200);
    const answer = fetch(`${url}/api/v1/slow`);
    while (!slow.end) await new Promise((resolve) => setImmediate(resolve));
    const drained = http.drain({ noticeMs: 100 });
    assert.equal((await http.inject({ url: '/health/ready' })).statusCode, 503);
    setTimeout(() => slow.end?.(), 200);
    assert.equal(textOf(await (await answer).json()), 'finished');
    await drained;
    await assert.rejects(fetch(`${url}/health/live`));
  });
});
