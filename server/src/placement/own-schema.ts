import type { ClientBase } from 'pg';
import { makeMovable, quoteName } from './tables.ts';
import type { TenantTable } from './tables.ts';

export const schemaOf = (workspaceId: string): string => `ws_${workspaceId.replaceAll('-', '').toLowerCase()}`;

/** Of policies that stand for a move (fence.ts) and not for the table. */
const PASSING = ['moved_write', 'moved_delete', 'moved_system', 'mover'];
const PARTS = ['parley_app', 'parley_system'];

/**
 * Makes the schema of a workspace: the tenant tables as the shared schema has them at this moment, with indexes,
 * constraints, policies, grants, triggers and the functions that name tables; and with a record of its own of applied
 * migrations. References among its tables stay in it; those to people and workspaces lead to the shared tables.
 *
 * @param client the owner's, in a transaction
 */
export async function createOwnSchema(client: ClientBase, schema: string, tables: TenantTable[]): Promise<void> {
  const own = quoteName(schema);
  // Everything the catalog tells about names is qualified then, and can be turned to the new schema.
  await client.query('set local search_path to pg_catalog');
  await client.query(`create schema ${own}; grant usage on schema ${own} to ${PARTS.join(', ')}`);
  for (const table of tables) await createTable(client, own, table);
  const names = new Set(tables.map(({ name }) => name));
  for (const { name } of tables) {
    await copyReferences(client, own, name, names);
    await copyProtection(client, own, name);
  }
  const functions = await copyFunctions(client, own);
  for (const { name } of tables) await copyTriggers(client, own, name, functions);
  await client.query(
    `create trigger placed after insert or update of token on ${own}.inboxes for each row execute function public.note_placed_inbox()`,
  );
  await client.query(
    `create table ${own}.schema_migrations (like public.schema_migrations including all);
     insert into ${own}.schema_migrations select * from public.schema_migrations`,
  );
  await makeMovable(client, schema, tables);
  await client.query('set local search_path to public');
}

async function createTable(client: ClientBase, own: string, { name, partitionedBy }: TenantTable): Promise<void> {
  const table = quoteName(name);
  const partitioning = partitionedBy ? `partition by ${partitionedBy}` : '';
  await client.query(`create table ${own}.${table} (like public.${table} including all) ${partitioning}`);
  if (!partitionedBy) return;
  const { rows } = await client.query<{ name: string; bound: string }>(
    `select c.relname::text as name, pg_get_expr(c.relpartbound, c.oid) as bound
     from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = $1::regclass order by c.relname`,
    [`public.${name}`],
  );
  // Made beside and attached, so that each keeps indexes its parent does not have.
  for (const { name: part, bound } of rows) {
    const made = `${own}.${quoteName(part)}`;
    await client.query(`create table ${made} (like public.${quoteName(part)} including all)`);
    await client.query(`alter table ${made} enable row level security`);
    await client.query(`alter table ${own}.${table} attach partition ${made} ${bound}`);
  }
}

async function copyReferences(client: ClientBase, own: string, name: string, tenant: Set<string>): Promise<void> {
  const { rows } = await client.query<{ name: string; target: string; definition: string }>(
    `select f.conname::text as name, r.relname::text as target, pg_get_constraintdef(f.oid) as definition
     from pg_constraint f join pg_class r on r.oid = f.confrelid
     where f.conrelid = $1::regclass and f.contype = 'f' and f.conparentid = 0 and not r.relispartition`,
    [`public.${name}`],
  );
  for (const row of rows) {
    const definition = tenant.has(row.target)
      ? row.definition.replace(`REFERENCES public.${row.target}(`, `REFERENCES ${own}.${row.target}(`)
      : row.definition;
    await client.query(`alter table ${own}.${quoteName(name)} add constraint ${quoteName(row.name)} ${definition}`);
  }
}

/** Row-level security and grants, of tables and of columns. */
async function copyProtection(client: ClientBase, own: string, name: string): Promise<void> {
  const table = `${own}.${quoteName(name)}`;
  await client.query(`alter table ${table} enable row level security; alter table ${table} force row level security`);
  const { rows: policies } = await client.query<Policy>(
    `select policyname, permissive, roles::text[] as roles, cmd, qual, with_check from pg_policies
     where schemaname = 'public' and tablename = $1 and policyname <> all($2::text[])`,
    [name, PASSING],
  );
  for (const policy of policies)
    await client.query(
      `create policy ${quoteName(policy.policyname)} on ${table} as ${policy.permissive} for ${policy.cmd}
       to ${policy.roles.map((role) => `"${role.replaceAll('"', '""')}"`).join(', ')}
       ${policy.qual === null ? '' : `using (${policy.qual})`}
       ${policy.with_check === null ? '' : `with check (${policy.with_check})`}`,
    );
  const { rows: grants } = await client.query<{ grantee: string; privilege: string; columns: string[] | null }>(
    `select g.grantee::regrole::text as grantee, g.privilege_type as privilege, null::text[] as columns
     from pg_class c cross join lateral aclexplode(c.relacl) g where c.oid = $1::regclass and g.grantee <> 0
     union all
     select g.grantee::regrole::text, g.privilege_type, array_agg(a.attname::text)
     from pg_attribute a cross join lateral aclexplode(a.attacl) g
     where a.attrelid = $1::regclass and not a.attisdropped and g.grantee <> 0 group by 1, 2`,
    [`public.${name}`],
  );
  for (const { grantee, privilege, columns } of grants) {
    if (!PARTS.includes(grantee)) continue;
    const of = columns ? ` (${columns.map(quoteName).join(', ')})` : '';
    await client.query(`grant ${privilege}${of} on ${table} to ${grantee}`);
  }
}

type Policy = {
  policyname: string;
  permissive: string;
  roles: string[];
  cmd: string;
  qual: string | null;
  with_check: string | null;
};

/** Functions that look for tables in `public` themselves; the others look where their caller does. */
async function copyFunctions(client: ClientBase, own: string): Promise<Set<string>> {
  const { rows } = await client.query<{
    name: string;
    signature: string;
    definition: string;
    grantees: string[];
    open: boolean;
  }>(
    `select p.proname::text as name, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as signature,
       pg_get_functiondef(p.oid) as definition,
       array(select g.grantee::regrole::text from aclexplode(p.proacl) g where g.grantee <> 0) as grantees,
       p.proacl is null or exists (select from aclexplode(p.proacl) g where g.grantee = 0) as open
     from pg_proc p cross join lateral unnest(p.proconfig) as s(setting)
     where p.pronamespace = 'public'::regnamespace and p.prokind = 'f' and s.setting ~ '^search_path=.*\\mpublic\\M'
       and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')`,
  );
  for (const { name, signature, definition, grantees, open } of rows) {
    const target = `${own}.${signature}`;
    await client.query(definition.replace(`FUNCTION public.${name}(`, `FUNCTION ${own}.${quoteName(name)}(`));
    await client.query(`alter function ${target} set search_path = pg_catalog, ${own}, public, pg_temp`);
    if (!open) await client.query(`revoke all on function ${target} from public`);
    for (const grantee of grantees)
      if (PARTS.includes(grantee)) await client.query(`grant execute on function ${target} to ${grantee}`);
  }
  return new Set(rows.map(({ name }) => name));
}

async function copyTriggers(client: ClientBase, own: string, name: string, functions: Set<string>): Promise<void> {
  const { rows } = await client.query<{ definition: string; function: string }>(
    `select pg_get_triggerdef(t.oid) as definition, p.proname::text as function from pg_trigger t join pg_proc p on p.oid = t.tgfoid
     where t.tgrelid = $1::regclass and not t.tgisinternal and t.tgparentid = 0`,
    [`public.${name}`],
  );
  for (const row of rows) {
    const moved = row.definition.replace(` ON public.${name} `, ` ON ${own}.${quoteName(name)} `);
    await client.query(
      functions.has(row.function)
        ? moved.replace(`FUNCTION public.${row.function}(`, `FUNCTION ${own}.${row.function}(`)
        : moved,
    );
  }
}
