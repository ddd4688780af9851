import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestApp } from '../app.ts';
import type { Answer, Call, TestApp } from '../app.ts';
import { momentary } from './examples.ts';
import type { Kind } from './examples.ts';
import { example, fill, idsInFields, idsInPath, readOperations } from './operations.ts';
import type { Operation } from './operations.ts';
import { asVisitor, fileForm } from './requests.ts';
import { join, joinAnotherCompany, populate } from './world.ts';
import type { Company } from './world.ts';

/** What an agent may do, written down a second time: the product's own table must not be its only witness. */
const AGENT_MAY = new Set([
  'workspace:read',
  'members:read',
  'knowledge:read',
  'bots:read',
  'inboxes:read',
  'contacts:read',
  'contacts:write',
  'conversations:read',
  'conversations:write',
  'handoffs:read',
  'handoffs:write',
]);

/** What an owner of a workspace may not, since it is of all of them. */
const isOfInstallation = ({ permission }: Operation): boolean => /^(queues|mail):/.test(permission ?? '');

/** Reads first, then changes, then removals; what holds other things goes last. */
const rank = ({ method, path }: Operation): number =>
  ['GET', 'PATCH', 'POST', 'PUT', 'DELETE'].indexOf(method) * 10 +
  (path.startsWith('/knowledge-bases') ? 5 : 0) +
  (/pick-up/.test(path) ? 0 : /resolve/.test(path) ? 4 : 2);

/** Inputs that need more than their schema says. */
const NEEDED: Record<string, Record<string, unknown>> = { 'POST /conversations/{id}/messages': { text: 'Hello.' } };

const bodyOf = (operation: Operation, extra: Record<string, unknown> = {}): unknown => {
  if (operation.takesFile) return fileForm('note.txt', 'a note');
  if (!operation.body) return undefined;
  return { ...Object(example(operation.body)), ...NEEDED[operation.name], ...extra };
};

const says = (operation: Operation, answer: Answer): string =>
  `${operation.name} → ${answer.status} ${JSON.stringify(answer.error ?? answer.data)}`;

describe('workspaces are apart', () => {
  let test: TestApp;
  let acme: Company;
  let mallory: Company;
  let agent: Call;
  let operations: Operation[];

  before(async () => {
    test = await startTestApp();
    const owner = { call: test.owner, accessToken: test.ownerToken, refreshToken: '' };
    [acme, mallory] = await Promise.all([
      populate(test, owner, 'acmecanary'),
      joinAnotherCompany(test).then((person) => populate(test, person, 'mallorycanary')),
    ]);
    agent = (await join(test, test.owner, 'agent@acme.test', 'agent')).call;
    operations = (await readOperations(test.url)).sort((a, b) => rank(a) - rank(b));
  });
  after(async () => {
    for (const company of [acme, mallory]) company?.visitor.close();
    await test?.close();
  });

  const isForeign = (text: string): boolean =>
    text.includes(acme.mark) || Object.values(acme.ids).some((id) => text.includes(id));

  it('describes every route under /api/v1, with permission, schema and envelope', () => {
    const described = new Set(operations.map(({ name }) => name));
    const routes = routesOf(test.app.http.printRoutes({ commonPrefix: false }));
    assert.ok(routes.length > 50, `only ${routes.length} routes were found`);
    assert.deepEqual(
      routes.filter((route) => !described.has(route)),
      [],
    );
    for (const operation of operations) {
      const { name, isPublic, responses } = operation;
      assert.ok(isPublic || operation.permission || /signed|login|me|auth|workspaces/.test(name), name);
      const failures = isPublic ? ['400', '404', '429'] : ['400', '401', '403', '404', '429'];
      for (const status of failures) {
        const schema = responses[status]?.content?.['application/json']?.schema;
        assert.deepEqual(Object.keys(schema?.properties ?? {}).sort(), ['error', 'success'], `${name} ${status}`);
      }
      const [success] = Object.entries(responses).filter(([status]) => status.startsWith('2'));
      const schema = success?.[1].content?.['application/json']?.schema;
      assert.ok(schema, `${name} declares what it answers`);
      const isFile = /The bytes of the file/.test(schema.description ?? '');
      assert.ok(isFile || (schema.properties?.['success'] && schema.properties['data']), `${name}: no envelope`);
    }
  });

  it('lets nobody in without a login', async () => {
    const callers = [
      test.anonymous,
      test.as('nonsense'),
      test.as(acme.visitorToken),
      test.as(`${acme.token}x`),
      test.as(`${acme.token.split('.').slice(0, 2).join('.')}.`),
    ];
    for (const operation of operations.filter(({ isPublic }) => !isPublic)) {
      for (const call of operation.method === 'GET' ? callers : callers.slice(0, 2)) {
        const path = fill(operation, (kind) => acme.ids[kind]);
        const answer = await call(operation.method, path, bodyOf(operation));
        assert.equal(answer.status, 401, says(operation, answer));
        assert.equal(answer.error?.code, 'unauthorized');
      }
    }
  });

  it('lists what is public', () => {
    const open = operations.filter(({ isPublic }) => isPublic).map(({ name }) => name);
    assert.deepEqual(open.sort(), [
      'GET /auth/invitations/{token}',
      'GET /auth/recovery',
      'GET /auth/setup-state',
      'GET /widget/{token}',
      'GET /widget/{token}/files/{id}',
      'GET /widget/{token}/passages/{chunkId}',
      'POST /auth/accept-invite',
      'POST /auth/forgot-password',
      'POST /auth/login',
      'POST /auth/logout',
      'POST /auth/proof',
      'POST /auth/prove-address',
      'POST /auth/refresh',
      'POST /auth/reset-password',
      'POST /auth/setup',
      'POST /widget/{token}/files',
      'POST /widget/{token}/forget',
    ]);
  });

  it('refuses everybody but owners of the first workspace what concerns all workspaces', async () => {
    const admin = (await join(test, test.owner, 'admin@acme.test', 'admin')).call;
    const ofInstallation = operations.filter(isOfInstallation);
    assert.equal(ofInstallation.length, 10);
    for (const operation of ofInstallation) {
      for (const call of [agent, admin, mallory.call]) {
        const answer = await call(
          operation.method,
          fill(operation, () => ''),
        );
        assert.equal(answer.status, 403, says(operation, answer));
      }
      const own = await test.owner(
        operation.method,
        fill(operation, () => ''),
      );
      // No mail leaves an installation on a server of its own that names none for mail.
      if (own.error?.code === 'conflict' && operation.path === '/mail/test') continue;
      assert.equal(own.status, operation.path.includes('{id}') ? 404 : 200, says(operation, own));
    }
  });

  it('refuses an agent what only admins may', async () => {
    const refused = operations.filter(({ permission }) => permission && !AGENT_MAY.has(permission));
    assert.ok(refused.length >= 15);
    for (const operation of refused) {
      const answer = await agent(
        operation.method,
        fill(operation, (kind) => acme.ids[kind]),
        bodyOf(operation),
      );
      assert.equal(answer.status, 403, says(operation, answer));
    }
    const away = await agent('DELETE', `/members/${acme.ids.member}`);
    assert.equal(away.status, 403, 'an agent cannot remove the owner');
  });

  // Attack 2: a body that sets what the server sets.
  it('attack 2: refuses keys a body has no business with', async () => {
    const extra = { id: acme.ids.bot, workspaceId: acme.ids.workspace, createdAt: '2020-01-01T00:00:00.000Z' };
    for (const operation of operations.filter(({ body }) => body)) {
      const declared = new Set(Object.keys(operation.body?.properties ?? {}));
      const added = Object.fromEntries(Object.entries(extra).filter(([key]) => !declared.has(key)));
      const path = fill(operation, (kind) => mallory.ids[kind]);
      const answer = await mallory.call(operation.method, path, bodyOf(operation, added));
      assert.equal(answer.status, 400, says(operation, answer));
      for (const key of Object.keys(added))
        assert.ok(
          answer.error?.details?.some(({ field }) => field === key),
          `${operation.name} does not name ${key}: ${JSON.stringify(answer.error)}`,
        );
    }
    for (const key of ['__proto__', 'constructor']) {
      const answer = await mallory.call('POST', '/bots', `{"name":"x","${key}":{"prototype":{"isAdmin":true}}}`);
      assert.equal(answer.status, 400, key);
    }
  });

  // Attacks 1 and 7: somebody else's ids in addresses.
  it('attack 1: finds nothing of another workspace by its ids', async () => {
    const walked: string[] = [];
    for (const operation of operations.filter((one) => !one.isPublic && idsInPath(one).length > 0)) {
      const path = fill(operation, (kind) => acme.ids[kind]);
      const answer = await mallory.call(operation.method, path, bodyOf(operation));
      assert.equal(answer.status, 404, says(operation, answer));
      assert.ok(!isForeign(JSON.stringify(answer)), says(operation, answer));
      walked.push(operation.name);
    }
    assert.ok(walked.length >= 30, walked.join('\n'));
  });

  it('attack 3: takes no id of another workspace in a body or a query', async () => {
    for (const operation of operations.filter(({ isPublic }) => !isPublic)) {
      for (const { field, where, kind } of idsInFields(operation)) {
        const isList = field.endsWith('Ids');
        const foreign = isList ? [acme.ids[kind]] : acme.ids[kind];
        const path = fill(operation, (one) => mallory.ids[one]);
        const answer = await mallory.call(
          operation.method,
          where === 'query' ? `${path}?${field}=${acme.ids[kind]}` : path,
          where === 'body' ? bodyOf(operation, { [field]: foreign }) : undefined,
        );
        if (where === 'query') assert.deepEqual(answer.data, [], says(operation, answer));
        else assert.equal(answer.status, 404, `${field}: ${says(operation, answer)}`);
      }
    }
  });

  it('attack 3: opens no foreign file or passage to a visitor', async () => {
    const token = mallory.ids.inboxToken;
    const routes = operations.filter((one) => one.isPublic && idsInPath(one).length > 1);
    assert.equal(routes.length, 2);
    for (const operation of routes) {
      const path = fill(operation, (kind) => (kind === 'inboxToken' ? token : acme.ids[kind]));
      const { status, response } = await asVisitor(test.url, mallory.visitorToken, operation.method, path);
      assert.equal(status, 404, operation.name);
      assert.ok(!isForeign(await response.text()));
    }
  });

  it('shows a stranger lists without anything foreign, and their own things whole', async () => {
    const seen: string[] = [];
    for (const operation of operations.filter(
      (one) => !one.isPublic && !isOfInstallation(one) && one.method === 'GET',
    )) {
      const answer = await mallory.call(
        'GET',
        fill(operation, (kind) => mallory.ids[kind]),
      );
      assert.equal(answer.status, 200, says(operation, answer));
      assert.ok(!isForeign(JSON.stringify(answer)), says(operation, answer));
      seen.push(JSON.stringify(answer));
    }
    for (const q of ['acmecanary', 'visitor-acmecanary']) {
      for (const list of ['/conversations', '/contacts'])
        assert.deepEqual((await mallory.call('GET', `${list}?q=${q}`)).data, []);
    }
    const found = await mallory.call('POST', `/knowledge-bases/${mallory.ids.knowledgeBase}/search`, {
      query: 'How long does a refund take at acmecanary?',
      limit: 50,
    });
    assert.equal(found.status, 200);
    assert.ok(!isForeign(JSON.stringify(found)));
    // The walk means something only if the lists are full.
    const whole = seen.join('\n');
    const hidden: Kind[] = ['invitationToken', 'chunk'];
    for (const [kind, id] of Object.entries(mallory.ids))
      if (!hidden.includes(kind as Kind)) assert.ok(whole.includes(id), `no list or page shows the ${kind}`);
  });

  // Last: it changes and deletes what the walks above went for, and so proves that their requests were good ones.
  it('would have been answered on their own ids', async () => {
    const asked = operations.filter((one) => !one.isPublic && idsInPath(one).length > 0 && !momentary.has(one.name));
    for (const operation of asked) {
      const own = idsInFields(operation).filter(({ where, field }) => where === 'body' && !field.endsWith('Ids'));
      const answer = await mallory.call(
        operation.method,
        fill(operation, (kind) => mallory.ids[kind]),
        bodyOf(operation, Object.fromEntries(own.map(({ field, kind }) => [field, mallory.ids[kind]]))),
      );
      assert.ok(answer.status < 300 || answer.status === 409, says(operation, answer));
    }
    const whole = await Promise.all(
      ['/conversations', '/contacts', '/bots', '/inboxes', '/knowledge-bases'].map((path) => test.owner('GET', path)),
    );
    for (const answer of whole) assert.ok(JSON.stringify(answer).includes(acme.mark), 'nothing of the first is gone');
  });
});

/** "METHOD /path/{id}" of every route under /api/v1, read from the router's own drawing of itself. */
function routesOf(drawing: string): string[] {
  const parents: string[] = [];
  return drawing.split('\n').flatMap((line) => {
    const [, indent = '', segment = '', methods] = /^([│├└─\s]*)(\S+)(?: \((.+)\))?$/u.exec(line) ?? [];
    const depth = Math.floor(indent.length / 4);
    const own = segment.replace(/\s.*$/, '');
    parents.length = depth;
    const path = parents.join('') + own;
    parents[depth] = own;
    if (!methods || !path.startsWith('/api/v1/')) return [];
    const under = path.slice('/api/v1'.length).replace(/:(\w+)/g, '{$1}');
    return methods
      .split(', ')
      .filter((method) => !['HEAD', 'OPTIONS'].includes(method))
      .map((method) => `${method} ${under}`);
  });
}
