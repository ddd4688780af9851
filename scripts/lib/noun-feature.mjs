/** @import { Names } from './noun-names.mjs' */

/**
 * What a new noun does: reads, writes, routes, and the tests of it.
 * @param {Names} names @returns {{ file: string, text: string }[]}
 */
export const behaviourOf = ({ noun, Type, nouns, kind, table, fact, words, folder, Types, key, oneInWords }) => [
  {
    file: `${folder}/queries.ts`,
    text: `import { count, desc, eq } from 'drizzle-orm';
import { notFound } from '../../platform/errors.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { ${nouns} } from './table.ts';
import type { ${Type}Row } from './table.ts';

/** The newest first. */
export async function list${Types}(
  tx: Tx,
  { page, limit }: { page: number; limit: number },
): Promise<{ rows: ${Type}Row[]; total: number }> {
  const rows = await tx
    .select()
    .from(${nouns})
    .orderBy(desc(${nouns}.createdAt), desc(${nouns}.id))
    .limit(limit)
    .offset((page - 1) * limit);
  const [all] = await tx.select({ total: count() }).from(${nouns});
  return { rows, total: all?.total ?? 0 };
}

/** @throws not-found, also for one of another workspace */
export async function find${Type}(tx: Tx, id: string): Promise<${Type}Row> {
  const [row] = await tx.select().from(${nouns}).where(eq(${nouns}.id, id));
  if (!row) throw notFound('The ${oneInWords}');
  return row;
}
`,
  },
  {
    file: `${folder}/commands.ts`,
    text: `import { eq } from 'drizzle-orm';
import type { ${Type}Input } from '@parley/contract/${noun}';
import { notFound } from '../../platform/errors.ts';
import { recordFacts } from '../../platform/facts/record.ts';
import type { Actor } from '../../platform/http/index.ts';
import { newId } from '../../platform/data/ids.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { ${nouns}Facts } from './facts.ts';
import { ${nouns} } from './table.ts';
import type { ${Type}Row } from './table.ts';

export async function create${Type}(tx: Tx, actor: Actor, input: ${Type}Input): Promise<${Type}Row> {
  const { workspaceId, userId } = actor;
  const [row] = await tx
    .insert(${nouns})
    .values({ ...input, id: newId(), workspaceId, createdAt: tx.now })
    .returning();
  if (!row) throw new Error('nothing was stored');
  await recordFacts(tx, [
    ${nouns}Facts.make('${fact}.created', { workspaceId, subjectId: row.id, payload: { by: userId } }),
  ]);
  return row;
}

/** @throws not-found */
export async function change${Type}(tx: Tx, actor: Actor, id: string, input: ${Type}Input): Promise<${Type}Row> {
  const [row] = await tx.update(${nouns}).set(input).where(eq(${nouns}.id, id)).returning();
  if (!row) throw notFound('The ${oneInWords}');
  const payload = { fields: Object.keys(input), by: actor.userId };
  await recordFacts(tx, [
    ${nouns}Facts.make('${fact}.changed', { workspaceId: actor.workspaceId, subjectId: id, payload }),
  ]);
  return row;
}

/** @throws not-found */
export async function delete${Type}(tx: Tx, actor: Actor, id: string): Promise<void> {
  const deleted = await tx.delete(${nouns}).where(eq(${nouns}.id, id)).returning({ id: ${nouns}.id });
  if (deleted.length === 0) throw notFound('The ${oneInWords}');
  await recordFacts(tx, [
    ${nouns}Facts.make('${fact}.deleted', {
      workspaceId: actor.workspaceId,
      subjectId: id,
      payload: { by: actor.userId },
    }),
  ]);
}
`,
  },
  {
    file: `${folder}/routes.ts`,
    text: `import { ${nouns}Api } from '@parley/contract/${noun}';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { change${Type}, create${Type}, delete${Type} } from './commands.ts';
import { present${Type} } from './present.ts';
import { find${Type}, list${Types} } from './queries.ts';

export function ${nouns}Routes(http: Http, { store }: { store: Store }): void {
  addRoutes(http, ${nouns}Api, {
    list: async (request) => {
      const { workspaceId } = actorOf(request);
      const { rows, total } = await store.read(workspaceId, (tx) => list${Types}(tx, request.query));
      return page(rows.map(present${Type}), { ...request.query, total });
    },

    create: async (request) => {
      const actor = actorOf(request);
      const row = await store.inWorkspace(actor.workspaceId, (tx) => create${Type}(tx, actor, request.body));
      return ok(present${Type}(row));
    },

    get: async (request) => {
      const { workspaceId } = actorOf(request);
      return ok(present${Type}(await store.inWorkspace(workspaceId, (tx) => find${Type}(tx, request.params.id))));
    },

    update: async (request) => {
      const actor = actorOf(request);
      const { id } = request.params;
      const row = await store.inWorkspace(actor.workspaceId, (tx) => change${Type}(tx, actor, id, request.body));
      return ok(present${Type}(row));
    },

    remove: async (request) => {
      const actor = actorOf(request);
      await store.inWorkspace(actor.workspaceId, (tx) => delete${Type}(tx, actor, request.params.id));
      return done();
    },
  });
}
`,
  },
  {
    file: `${folder}/feature.ts`,
    text: `import { defineFeature } from '../../feature.ts';
import { ${nouns}Facts } from './facts.ts';
import { ${nouns}Routes } from './routes.ts';

export const ${nouns} = defineFeature({
  name: '${noun}',
  tables: ['${table}'],
  uses: ['store'],
  facts: ${nouns}Facts,
  setUp: (kit) => ({ routes: (api) => ${nouns}Routes(api, kit) }),
});
`,
  },
  {
    file: `${folder}/test-example.ts`,
    text: `import type { ${Type} } from '@parley/contract/${noun}';
import type { WalkExample } from '../../test/security/examples.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    ${kind}: string;
  }
}

/** One of a company's own, for the walk that looks for foreign ids. */
export const example: WalkExample = {
  make: { ${kind}: async ({ post, mark }) => (await post<${Type}>('/${noun}', { name: \`A name of \${mark}\` })).id },
  segments: { ${key}: '${kind}' },
  // What an id in a body or a query is of, whoever takes it.
  fields: { ${kind}Id: '${kind}' },
};
`,
  },
  {
    file: `${folder}/${noun}.test.ts`,
    text: `import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ${Type} } from '@parley/contract/${noun}';
import { startTestApp } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';

describe('${words}', () => {
  let test: TestApp;
  before(async () => {
    test = await startTestApp();
  });
  after(() => test?.close());

  it('are made, read, changed and deleted, and stay inside their workspace', async () => {
    const made = await test.owner<${Type}>('POST', '/${noun}', { name: 'First' });
    assert.equal(made.status, 201, JSON.stringify(made.error));
    const at = \`/${noun}/\${made.data.id}\`;
    assert.equal((await test.owner<${Type}>('PATCH', at, { name: 'Second' })).data.name, 'Second');
    const { data } = await test.owner<${Type}[]>('GET', '/${noun}');
    assert.deepEqual(
      data.map(({ name }) => name),
      ['Second'],
    );
    const { call } = await test.stranger();
    for (const method of ['GET', 'DELETE']) assert.equal((await call(method, at)).status, 404);
    assert.equal((await test.anonymous('GET', '/${noun}')).status, 401);
    assert.equal((await test.owner('DELETE', at)).status, 200);
    assert.equal((await test.owner('GET', at)).status, 404);
  });
});
`,
  },
];
