import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { success } from '@parley/contract';
import { buildHttp, failureOf, Note, textOf } from '../../test/http-server.ts';
import { ok } from './index.ts';
import type { Http } from './index.ts';

describe('a route under /api/v1', () => {
  it('stops the start when it declares no permission or no answer', async () => {
    const http = await buildHttp();
    const response = { 200: success(Note) };
    assert.throws(
      () => http.get('/api/v1/open', { schema: { response } }, async () => ok({ text: '' })),
      /declares no permission/,
    );
    assert.throws(
      () => http.get('/api/v1/loose', { config: { permission: 'public' } }, async () => ok({})),
      /declares no response/,
    );
    await http.close();
  });
});

describe('the HTTP server', () => {
  let http: Http;
  before(async () => {
    http = await buildHttp();
  });
  after(() => http.close());

  const failure = (response: { json: () => unknown }) => failureOf(response.json());
  const post = (body: string | object, headers: Record<string, string> = {}) =>
    http.inject({
      method: 'POST',
      url: '/api/v1/notes',
      payload: body,
      headers: { 'content-type': 'application/json', ...headers },
    });

  it('refuses nobody, the wrong permission and the homeless', async () => {
    const url = '/api/v1/notes/01890000-0000-7000-8000-000000000009';
    const nobody = await http.inject({ url });
    assert.equal(nobody.statusCode, 401);
    assert.equal(failure(nobody).code, 'unauthorized');
    assert.equal((await http.inject({ url, headers: { authorization: 'Bearer forged' } })).statusCode, 401);
    const headers = { authorization: 'Bearer reader' };
    assert.equal((await http.inject({ method: 'DELETE', url, headers })).statusCode, 403);
    assert.equal((await http.inject({ url, headers })).json().data.text, 'Ada');
    const lost = { authorization: 'Bearer lost' };
    assert.equal((await http.inject({ url, headers: lost })).statusCode, 403);
    assert.equal((await http.inject({ url: '/api/v1/own', headers: lost })).statusCode, 403);
    assert.equal((await http.inject({ url: '/api/v1/me', headers: lost })).statusCode, 200);
    assert.equal((await http.inject({ method: 'HEAD', url: '/api/v1/me' })).statusCode, 401);
  });

  it('asks who it is before it reads what they say', async () => {
    const response = await http.inject({
      method: 'DELETE',
      url: '/api/v1/notes/1',
      payload: '{',
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(response.statusCode, 401);
  });

  it('names each wrong field', async () => {
    const response = await post({ text: 1, workspaceId: 'x', deep: { number: 'x', createdAt: 1 } });
    assert.equal(response.statusCode, 400);
    const fields = failure(response)
      .details?.map(({ field }) => field)
      .sort();
    assert.deepEqual(fields, ['deep.createdAt', 'deep.number', 'text', 'workspaceId']);
    assert.equal((await post('')).statusCode, 400);
    assert.deepEqual(
      failure(await http.inject({ url: '/api/v1/notes/1', headers: { authorization: 'Bearer reader' } })).details?.map(
        ({ field }) => field,
      ),
      ['id'],
    );
  });

  it('answers broken bodies with 400 and other kinds of body not at all', async () => {
    assert.equal((await post('{"text":')).statusCode, 400);
    assert.equal((await post('{"__proto__":{"x":1},"text":"a"}')).statusCode, 400);
    assert.equal((await post('{"text":"a"}', { 'content-type': 'text/plain' })).statusCode, 400);
    assert.equal((await post('text=a', { 'content-type': 'application/x-www-form-urlencoded' })).statusCode, 400);
    const envelope = failure(await post('{"text":', {}));
    assert.equal(envelope.code, 'bad_request');
  });

  it('takes no JSON for an upload, whatever it is called', async () => {
    const pretended = JSON.stringify({ files: [{ filepath: '/etc/passwd' }] });
    const send = (type: string) =>
      http.inject({ method: 'POST', url: '/api/v1/files', payload: pretended, headers: { 'content-type': type } });
    for (const type of ['application/json', 'multipart/form-data', 'multipart/form-data; boundary=x']) {
      const response = await send(type);
      assert.equal(response.statusCode, 400, type);
      failure(response);
    }
  });

  it('lets nothing out that is not declared, and nothing internal', async () => {
    assert.deepEqual((await post({ text: 'a\u0000b' })).json(), { success: true, data: { text: 'ab' } });
    for (const url of ['/api/v1/crash', '/api/v1/lie']) {
      const response = await http.inject({ url });
      assert.equal(response.statusCode, 500);
      assert.equal(failure(response).code, 'internal_error');
      assert.doesNotMatch(response.body, /secrets|schema|number/);
    }
  });

  it('answers unknown addresses with the envelope', async () => {
    for (const url of ['/api/v1/nothing', '/nothing', '//', '//api/v1/id', '/api//v1/id', '/api/v1/id//', '/api/v1']) {
      const response = await http.inject({ url });
      assert.equal(`${response.statusCode} ${failure(response).code}`, '404 route_not_found', url);
      assert.ok(response.headers['x-request-id']);
    }
    assert.equal(failure(await http.inject({ method: 'PUT', url: '/api/v1/id' })).code, 'route_not_found');
    assert.equal((await http.inject({ url: '/api/v1/notes/%zz' })).statusCode, 400);
    assert.equal((await http.inject({ url: '/api/v1/id/' })).statusCode, 200);
  });

  it('keeps a harmless request id and replaces any other', async () => {
    const idFor = async (given: string) =>
      (await http.inject({ url: '/api/v1/id', headers: { 'x-request-id': given } })).headers['x-request-id'];
    assert.equal(await idFor('abc-DEF_123'), 'abc-DEF_123');
    for (const bad of ['short', 'x'.repeat(65), 'with space and more', '<script>alert(1)'])
      assert.notEqual(await idFor(bad), bad);
    const response = await http.inject({ url: '/api/v1/id' });
    assert.equal(response.json().data.text, response.headers['x-request-id']);
  });

  it('keeps the bytes of webhooks as they came', async () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x00, 0x0a]);
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
      const response = await http.inject({
        method: 'POST',
        url: '/webhooks/telegram/t',
        payload: bytes,
        headers: { 'content-type': type },
      });
      assert.equal(response.body, '7bff000a');
    }
    assert.equal((await http.inject({ method: 'POST', url: '/webhooks/telegram/t' })).body, 'none');
  });

  it('says what may be framed and loaded from elsewhere', async () => {
    const dashboard = (await http.inject({ url: '/anything' })).headers;
    assert.match(String(dashboard['content-security-policy']), /frame-ancestors 'none'/);
    assert.equal(dashboard['x-frame-options'], 'DENY');
    assert.equal(dashboard['access-control-allow-origin'], undefined);
    const chat = (await http.inject({ url: '/chat/token' })).headers;
    assert.match(String(chat['content-security-policy']), /frame-ancestors \*/);
    assert.equal(chat['x-frame-options'], undefined);
    const elsewhere = { origin: 'https://shop.example' };
    const script = (await http.inject({ url: '/widget.js', headers: elsewhere })).headers;
    assert.equal(script['cross-origin-resource-policy'], 'cross-origin');
    assert.equal(script['access-control-allow-origin'], '*');
    const preflight = { ...elsewhere, 'access-control-request-method': 'POST' };
    const widget = await http.inject({ method: 'OPTIONS', url: '/api/v1/widget/token/files', headers: preflight });
    assert.equal(widget.headers['access-control-allow-origin'], '*');
    const api = await http.inject({ method: 'OPTIONS', url: '/api/v1/notes', headers: preflight });
    assert.equal(api.headers['access-control-allow-origin'], undefined);
  });

  it('describes itself from its schemas, and the reference loads nothing from elsewhere', async () => {
    const description = (await http.inject({ url: '/openapi.json' })).json();
    assert.equal(description.openapi, '3.1.0');
    const create = description.paths['/api/v1/notes'].post;
    assert.deepEqual(create.security, []);
    assert.deepEqual(create.requestBody.content['application/json'].schema.required, ['text']);
    assert.equal(create.requestBody.content['application/json'].schema.additionalProperties, false);
    assert.ok(create.responses['400'] && !create.responses['401']);
    assert.deepEqual(description.paths['/api/v1/notes/{id}'].delete.security, [{ login: [] }]);
    assert.ok(description.paths['/api/v1/files'].post.requestBody.content['multipart/form-data']);
    assert.equal(description.paths['/health'], undefined);
    const reference = await http.inject({ url: '/docs/' });
    assert.equal(reference.statusCode, 200);
    assert.doesNotMatch(reference.body, /https?:\/\/(?!127\.0\.0\.1)/);
    assert.equal((await http.inject({ url: '/docs/js/scalar.js' })).statusCode, 200);
  });

  it('counts by the pattern of the route', async () => {
    await http.inject({ url: '/api/v1/widget/some-token' });
    const { body, headers } = await http.inject({ url: '/metrics' });
    assert.match(String(headers['content-type']), /text\/plain/);
    assert.match(body, /route="\/api\/v1\/widget\/:token",status_code="200"/);
    assert.doesNotMatch(body, /some-token/);
  });
});

describe('over a real connection', () => {
  let http: Http;
  let url: string;
  before(async () => {
    http = await buildHttp();
    url = await http.listen({ port: 0, host: '127.0.0.1' });
  });
  after(() => http.close());

  it('answers 413 to 2 MB of JSON and to a file of 26 MB, and 200 to one of 25 MB', async () => {
    const json = await fetch(`${url}/api/v1/notes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'x'.repeat(2 << 20) }),
    });
    assert.equal(json.status, 413);
    assert.equal(failureOf(await json.json()).code, 'payload_too_large');
    const upload = async (size: number) => {
      const form = new FormData();
      form.set('file', new Blob([new Uint8Array(size)]), 'big.txt');
      return fetch(`${url}/api/v1/files`, { method: 'POST', body: form });
    };
    assert.equal((await upload(26 << 20)).status, 413);
    const whole = await upload(25 << 20);
    assert.equal(textOf(await whole.json()), `big.txt ${25 << 20}`);
  });

  it('answers what is not HTTP with the envelope', async () => {
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('nonsense\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.match(text, /^HTTP\/1\.1 400/);
    assert.match(text, /x-request-id: /);
    assert.match(text, /"code":"bad_request"/);
  });
});

describe('a route that makes something', () => {
  it('answers 201, and its failures are what they are anywhere', async () => {
    const http = await buildHttp();
    const make = async (payload: object) =>
      (await http.inject({ method: 'POST', url: '/api/v1/things', payload })).statusCode;
    assert.equal(await make({}), 400);
    assert.equal(await make({ text: 'crash' }), 500);
    assert.equal(await make({ text: 'a thing' }), 201);
    await http.close();
  });
});
