import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { newId } from '../platform/data/ids.ts';
import { createOwnSchema, schemaOf } from './own-schema.ts';
import { makeMovable, readTenantTables } from './tables.ts';

let data: TestDatabase;
const schema = schemaOf(newId());
before(async () => {
  data = await createTestDatabase();
  await data.database.asOwner(async (client) => {
    const tables = await readTenantTables(client);
    await client.query('begin');
    await makeMovable(client, 'public', tables);
    await createOwnSchema(client, schema, tables);
    await client.query('commit');
  });
});
after(() => data.remove());

const rows = (text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> =>
  data.database.asOwner(async (client) => (await client.query(text, values)).rows);

/** What `text` finds in both schemas must be the same, but for the name of the schema. */
async function alike(what: string, text: string): Promise<void> {
  const turned = (found: unknown, name: string): string => JSON.stringify(found).replaceAll(name, 'HERE');
  const [shared, own] = await Promise.all([rows(text, ['public', schema]), rows(text, [schema, schema])]);
  assert.ok(shared.length > 0, what);
  assert.deepEqual(turned(own, schema), turned(shared, 'public').replaceAll('public', 'HERE'), what);
}
const ofTenant = `c.relname in (select relname from pg_class where relnamespace = $2::regnamespace) and c.relname <> 'schema_migrations'`;

test('has the tables of a workspace and no others', async () => {
  const names = await rows(
    `select relname::text as name from pg_class where relnamespace = $1::regnamespace and relkind in ('r', 'p')`,
    [schema],
  );
  const has = new Set(names.map(({ name }) => name));
  for (const name of ['messages', 'outbox', 'inbound_events', 'inboxes', 'chunks']) assert.ok(has.has(name), name);
  for (const name of ['users', 'workspaces', 'memberships', 'sessions', 'placements', 'api_keys'])
    assert.ok(!has.has(name), name);
});

test('is like the shared one: columns, constraints, indexes, policies, grants', async () => {
  await alike(
    'columns',
    `select c.relname::text as t, a.attname::text as a, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull, a.attidentity, a.attgenerated,
    pg_get_expr(d.adbin, d.adrelid) as def from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and ${ofTenant} order by 1, 2`,
  );
  await alike(
    'constraints',
    `select c.relname::text as t, f.contype, replace(pg_get_constraintdef(f.oid), $1 || '.', '') as def
    from pg_constraint f join pg_class c on c.oid = f.conrelid where c.relnamespace = $1::regnamespace and ${ofTenant} order by 1, 2, 3`,
  );
  await alike(
    'indexes',
    `select c.relname::text as t, regexp_replace(regexp_replace(pg_get_indexdef(i.indexrelid), 'INDEX \\S+ ON', 'INDEX ON'), $1 || '\\.', '') as def
    from pg_index i join pg_class c on c.oid = i.indrelid where c.relnamespace = $1::regnamespace and ${ofTenant} order by 1, 2`,
  );
  await alike(
    'policies',
    `select c.relname::text as t, p.polname::text as name, p.polcmd, p.polpermissive, p.polroles::regrole[]::text as roles, pg_get_expr(p.polqual, c.oid) as q, pg_get_expr(p.polwithcheck, c.oid) as w
    from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = $1::regnamespace and ${ofTenant} order by 1, 2`,
  );
  await alike(
    'protection',
    `select c.relname::text as t, c.relkind, c.relrowsecurity, c.relforcerowsecurity
    from pg_class c where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and ${ofTenant} order by 1`,
  );
  await alike(
    'grants',
    `select c.relname::text as t, a.attname::text as a, r.role, p.privilege from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
    cross join (values ('parley_app'), ('parley_system')) r(role) cross join (values ('SELECT'), ('INSERT'), ('UPDATE')) p(privilege)
    where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and ${ofTenant} and has_column_privilege(r.role, c.oid, a.attnum, p.privilege) order by 1, 2, 3, 4`,
  );
});

test('its functions look into its own tables', async () => {
  const found = await rows(
    `select pg_get_functiondef(p.oid) as text, has_function_privilege('parley_app', p.oid, 'execute') as app,
    has_function_privilege('parley_system', p.oid, 'execute') as system from pg_proc p where pronamespace = $1::regnamespace and proname = 'conversations_with'`,
    [schema],
  );
  assert.equal(found.length, 1);
  assert.match(String(found[0]?.['text']), new RegExp(`search_path TO 'pg_catalog', '${schema}', 'public', 'pg_temp'`));
  assert.deepEqual([found[0]?.['app'], found[0]?.['system']], [true, false]);
});
