import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startPeople } from './test-people.ts';

it('the API description tells who may call what, and shows examples from the schemas', async (context) => {
  const people = await startPeople();
  context.after(() => people.close());
  const { paths } = (await people.http.inject({ url: '/openapi.json' })).json();
  const login = paths['/api/v1/auth/login'].post;
  assert.deepEqual(login.security, []);
  assert.equal(login.operationId, 'postAuthLogin');
  assert.ok(login.responses['401'], 'a wrong password is one');
  assert.match(JSON.stringify(login.requestBody), /ada@acme\.example/);
  const invite = paths['/api/v1/members/invite'].post;
  assert.deepEqual(invite.security, [{ login: [] }]);
  assert.match(invite.description, /`members:write`/);
  assert.deepEqual(invite.tags, ['Members']);
});
