import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApiKeyScope } from '@parley/contract';
import type { ApiKeyCreated, Member } from '@parley/contract';
import { startTestApp, until } from '../app.ts';
import type { Call, TestApp } from '../app.ts';
import { example, fill, readOperations } from './operations.ts';
import type { Operation } from './operations.ts';
import { join } from './world.ts';

const NOBODY = '01890000-0000-7000-8000-000000000000';
/** What an agent may not do and a key may be given. */
const BEYOND_AGENTS = ['bots:write', 'inboxes:write', 'knowledge:write', 'members:write', 'workspace:write'];

describe('an API key', () => {
  let test: TestApp;
  let operations: Operation[];
  let admin: Call;
  let byKey: Call;
  let byAgentKey: Call;

  const makeKey = async (as: Call, scopes: string[]): Promise<Call> => {
    const made = await as<ApiKeyCreated>('POST', '/api-keys', { name: 'All', scopes });
    assert.equal(made.status, 201, JSON.stringify(made.error));
    return test.as(made.data.key);
  };
  const permissionsOf = async (as: Call) => (await as<{ permissions: string[] }>('GET', '/me')).data.permissions;

  before(async () => {
    test = await startTestApp();
    operations = await readOperations(test.url);
    admin = (await join(test, test.owner, 'admin@acme.test', 'admin')).call;
    byKey = await makeKey(admin, [...ApiKeyScope.options]);
    byAgentKey = await makeKey(test.owner, ['conversations:read']);
  });
  after(() => test?.close());

  /** The routes that ask for the permission, answered to the key: `403 forbidden`, or whatever they say to a foreign id. */
  const knock = async (as: Call, permission: string): Promise<string[]> => {
    const asking = operations.filter((operation) => operation.permission === permission);
    const answers = await Promise.all(
      asking.map(async (operation) => {
        const body = operation.body ? example(operation.body) : undefined;
        const { status, error } = await as(
          operation.method,
          fill(operation, () => NOBODY),
          body,
        );
        return `${status} ${error?.code}`;
      }),
    );
    return answers;
  };

  it('may no more than who made it may now, at every route that asks for something', async () => {
    const before = await Promise.all(BEYOND_AGENTS.map((permission) => knock(byKey, permission)));
    for (const [index, answers] of before.entries()) {
      assert.ok(answers.length > 0, `a route asks for ${BEYOND_AGENTS[index]}`);
      assert.ok(
        answers.some((answer) => answer !== '403 forbidden'),
        `${BEYOND_AGENTS[index]}: ${answers.join()}`,
      );
    }
    const { data: members } = await test.owner<Member[]>('GET', '/members');
    const { id } = members.find(({ email }) => email === 'admin@acme.test') ?? assert.fail();
    assert.equal((await test.owner('PATCH', `/members/${id}`, { role: 'agent' })).status, 200);
    await until(async () => (await byKey('POST', '/bots', {})).status === 403, 'the key heard of it');

    const left = new Set(await permissionsOf(admin));
    const lost = ApiKeyScope.options.filter((scope) => !left.has(scope));
    for (const permission of BEYOND_AGENTS)
      assert.ok(
        lost.some((scope) => scope === permission),
        permission,
      );
    for (const permission of lost)
      for (const answer of await knock(byKey, permission)) assert.equal(answer, '403 forbidden', permission);
    for (const permission of ['conversations:read', 'contacts:read'])
      assert.ok(
        (await knock(byKey, permission)).some((answer) => answer !== '403 forbidden'),
        permission,
      );
  });

  it('may no more than its scopes, at every route that asks for something', async () => {
    const others = new Set(operations.flatMap(({ permission }) => permission ?? []));
    others.delete('conversations:read');
    assert.ok(others.size > 8);
    for (const permission of others)
      for (const answer of await knock(byAgentKey, permission)) assert.equal(answer, '403 forbidden', permission);
  });
});
