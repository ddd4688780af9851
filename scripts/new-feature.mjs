/**
 * `npm run new:feature -- NOUN`: the files of a new noun (plural, such as `labels`), which start, are tested and are served,
 * as an example to change: list, create, read, change and delete something with a name. Nothing that is there is overwritten.
 * What else its feature.ts may declare (settings, metrics, socket events, reactions, sweeps …) is in `server/src/feature.ts`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensure } from './ensure.mjs';
import { inRoot } from './lib/paths.mjs';

/** What one of them is called; a plural without an s (media, people) stands for both. @param {string} noun */
export const oneOf = (noun) =>
  noun
    .replace(/ies$/, 'y')
    .replace(/(ss|x|ch|sh)es$/, '$1')
    .replace(/([^s])s$/, '$1');

/** As they are written; the checks are held to these. @param {string} noun @param {string} [migration] */
export async function formattedFilesOf(noun, migration) {
  const { format, resolveConfig } = await import('prettier');
  const options = await resolveConfig(inRoot('package.json'));
  const formatted = async (/** @type {{ file: string, text: string }} */ { file, text }) => ({
    file,
    text: file.endsWith('.ts') ? await format(text, { ...options, filepath: inRoot(file) }) : text,
  });
  return Promise.all(filesOf(noun, migration).map(formatted));
}

/** @param {string} noun @returns {{ file: string, text: string }[]} */
export function filesOf(noun, migration = '0000') {
  const one = oneOf(noun);
  const camel = (/** @type {string} */ text) => text.replace(/-(\w)/g, (_all, letter) => letter.toUpperCase());
  const Type = camel(`-${one}`);
  const nouns = camel(noun);
  const kind = camel(one);
  const table = noun.replaceAll('-', '_');
  const fact = one.replaceAll('-', '_');
  const words = noun.replaceAll('-', ' ');
  const title = words[0]?.toUpperCase() + words.slice(1);
  const folder = `server/src/features/${noun}`;
  return [
    {
      file: `packages/contract/src/${noun}.ts`,
      text: `import { z } from 'zod';
import { Done, Id, IdParams, PageQuery, Timestamp, line, paged, success } from './common.ts';
import { api, get, patch, post, remove } from './declare.ts';

export const ${Type} = z.object({ id: Id, name: z.string(), createdAt: Timestamp });
export type ${Type} = z.infer<typeof ${Type}>;

export const ${Type}Input = z.strictObject({ name: line(80) }).meta({ examples: [{ name: 'An example' }] });
export type ${Type}Input = z.infer<typeof ${Type}Input>;

export const ${nouns}Api = api('${title}', {
  list: get('/${noun}', '${noun}:read', { summary: 'List ${words}', query: PageQuery, response: paged(${Type}) }),
  create: post('/${noun}', '${noun}:write', {
    summary: 'Create one of the ${words}',
    body: ${Type}Input,
    status: 201,
    response: success(${Type}),
  }),
  get: get('/${noun}/:id', '${noun}:read', {
    summary: 'Read one of the ${words}',
    params: IdParams,
    response: success(${Type}),
  }),
  update: patch('/${noun}/:id', '${noun}:write', {
    summary: 'Change one of the ${words}',
    params: IdParams,
    body: ${Type}Input,
    response: success(${Type}),
  }),
  remove: remove('/${noun}/:id', '${noun}:write', {
    summary: 'Delete one of the ${words}',
    params: IdParams,
    response: success(Done),
  }),
});
`,
    },
    {
      file: `server/src/db/migrations/${migration}_${table}.sql`,
      text: `-- placement: everywhere
create table ${table} (
  id uuid primary key,
  workspace_id uuid not null,
  name text not null,
  created_at timestamptz not null default now()
);
create index ${table}_list on ${table} (workspace_id, created_at, id);

alter table ${table} enable row level security;
alter table ${table} force row level security;
create policy tenant on ${table} to parley_app using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid)
  with check (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update, delete on ${table} to parley_app;
`,
    },
    {
      file: `${folder}/table.ts`,
      text: `import { pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

export const ${nouns} = pgTable('${table}', {
  id: uuid('id').primaryKey(),
  workspaceId: uuid('workspace_id').notNull(),
  name: text('name').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
});
export type ${Type}Row = typeof ${nouns}.$inferSelect;
`,
    },
    {
      file: `${folder}/facts.ts`,
      text: `import { z } from 'zod';
import { defineFacts } from '../../platform/facts/define.ts';

export const ${nouns}Facts = defineFacts({
  '${fact}.created': z.object({ by: z.uuid() }),
  '${fact}.changed': z.object({ fields: z.array(z.string()), by: z.uuid() }),
  '${fact}.deleted': z.object({ by: z.uuid() }),
});
`,
    },
    {
      file: `${folder}/present.ts`,
      text: `import type { ${Type} } from '@parley/contract/${noun}';
import type { ${Type}Row } from './table.ts';

export const present${Type} = ({ id, name, createdAt }: ${Type}Row): ${Type} => ({
  id,
  name,
  createdAt: createdAt.toISOString(),
});
`,
    },
    {
      file: `${folder}/queries.ts`,
      text: `import { count, desc, eq } from 'drizzle-orm';
import { notFound } from '../../platform/errors.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { ${nouns} } from './table.ts';
import type { ${Type}Row } from './table.ts';

/** The newest first. */
export async function list${camel(`-${noun}`)}(
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
  if (!row) throw notFound('The ${one.replaceAll('-', ' ')}');
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
  if (!row) throw notFound('The ${one.replaceAll('-', ' ')}');
  const payload = { fields: Object.keys(input), by: actor.userId };
  await recordFacts(tx, [
    ${nouns}Facts.make('${fact}.changed', { workspaceId: actor.workspaceId, subjectId: id, payload }),
  ]);
  return row;
}

/** @throws not-found */
export async function delete${Type}(tx: Tx, actor: Actor, id: string): Promise<void> {
  const deleted = await tx.delete(${nouns}).where(eq(${nouns}.id, id)).returning({ id: ${nouns}.id });
  if (deleted.length === 0) throw notFound('The ${one.replaceAll('-', ' ')}');
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
import { find${Type}, list${camel(`-${noun}`)} } from './queries.ts';

export function ${nouns}Routes(http: Http, { store }: { store: Store }): void {
  addRoutes(http, ${nouns}Api, {
    list: async (request) => {
      const { workspaceId } = actorOf(request);
      const { rows, total } = await store.read(workspaceId, (tx) => list${camel(`-${noun}`)}(tx, request.query));
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
  segments: { ${/^[a-z]+$/.test(noun) ? noun : `'${noun}'`}: '${kind}' },
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
}

/** The one line in each list that makes it part of the product. @param {string} noun */
export const linesOf = (noun) => {
  const nouns = noun.replace(/-(\w)/g, (_all, letter) => letter.toUpperCase());
  const key = /^[a-z]+$/.test(noun) ? noun : `'${noun}'`;
  return [
    {
      file: 'packages/contract/src/nouns.ts',
      change: (/** @type {string} */ text) =>
        text.replace('} as const satisfies Record<string, Noun>;', `  ${key}: { read: 'agent', write: 'admin' },\n$&`),
    },
    {
      file: 'server/src/features/index.ts',
      change: (/** @type {string} */ text) =>
        text
          .replace('\n/**\n * The product', `import { ${nouns} } from './${noun}/feature.ts';\n$&`)
          .replace('  visitors,\n', `  ${nouns},\n$&`),
    },
  ];
};

const MOST_OUTSIDE = 3;

/**
 * What a noun costs outside of its own folder and its file in the contract: two lists and a migration.
 * @param {(file: string) => string} [read] contents of a file of the repository
 * @returns {string[]} why it costs more today, or cannot be added at all
 */
export function nounOffences(read = (file) => readFileSync(inRoot(file), 'utf8')) {
  const noun = 'saved-replies';
  const own = [`packages/contract/src/${noun}.ts`, `server/src/features/${noun}/`];
  const made = filesOf(noun).map(({ file }) => file);
  const lists = linesOf(noun);
  const outside = [
    ...made.filter((file) => !own.some((start) => file.startsWith(start))),
    ...lists.map(({ file }) => file),
  ];
  return [
    ...(outside.length > MOST_OUTSIDE
      ? [`a new noun touches ${outside.length} files of others, not ${MOST_OUTSIDE}: ${outside.join(', ')}`]
      : []),
    ...lists.flatMap(({ file, change }) => {
      const before = read(file);
      const added = change(before).split('\n').length - before.split('\n').length;
      return added > 0 ? [] : [`${file} has another shape than scripts/new-feature.mjs knows`];
    }),
  ];
}

/** Why this cannot be the name of a noun, in a line, or null. @param {string} noun */
export function refusal(noun) {
  if (!/^[a-z]+(?:-[a-z]+)*$/.test(noun))
    return 'a noun in plural, lower case, words joined by hyphens: `saved-replies`';
  return reserved.has(noun) ? `\`${noun}\` is a word of TypeScript or SQL` : null;
}
const reserved = new Set(['case', 'class', 'default', 'delete', 'export', 'group', 'import', 'new', 'order', 'user']);

async function main() {
  const [noun = ''] = process.argv.slice(2);
  const reason = refusal(noun);
  if (reason) {
    console.error(`npm run new:feature -- NOUN: ${reason}.`);
    process.exit(2);
  }
  await ensure();
  const last = readdirSync(inRoot('server/src/db/migrations'))
    .filter((name) => /^\d{4}_/.test(name))
    .sort()
    .at(-1);
  const migration = String(Number(last?.slice(0, 4)) + 1).padStart(4, '0');
  const files = await formattedFilesOf(noun, migration);
  const there = files.filter(({ file }) => existsSync(inRoot(file)));
  if (there.length > 0) {
    console.error(`${there.map(({ file }) => file).join(', ')}: there already. Nothing was written.`);
    process.exit(1);
  }
  for (const { file, text } of files) {
    mkdirSync(path.dirname(inRoot(file)), { recursive: true });
    writeFileSync(inRoot(file), text);
    console.log(`made     ${file}`);
  }
  for (const { file, change } of linesOf(noun)) {
    const before = readFileSync(inRoot(file), 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`${file} has another shape than this script knows`);
    writeFileSync(inRoot(file), after);
    console.log(`changed  ${file}`);
  }
  console.log(`
One of them is called "${oneOf(noun).replaceAll('-', ' ')}". Now: npm run check, npm test -- ${noun}. What is yours to do:
- its name for API keys: apiKeys.noun of the three dashboard/src/features/settings/locales (or \`keys: false\` in nouns.ts).`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
