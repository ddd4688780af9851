/** @import { Names } from './noun-names.mjs' */

/**
 * What a new noun is: its calls, its table, its facts, and how one is shown.
 * @param {Names} names @returns {{ file: string, text: string }[]}
 */
export const shapesOf = ({ noun, Type, nouns, table, fact, words, title, folder, migration }) => [
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
];
