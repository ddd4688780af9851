import type { ClientBase } from 'pg';
import { CONTROL_TABLES } from '../db/control-tables.ts';

/** A table that goes with its workspace, as the shared schema has it. */
export type TenantTable = {
  name: string;
  /** what can be written: without generated columns */
  columns: string[];
  /** the type of each column and of no other */
  types: Record<string, string>;
  /** columns of the primary key */
  key: string[];
  /** a column whose numbers a sequence gives */
  numbered: string | null;
  /** `by …` of a partitioned table */
  partitionedBy: string | null;
};

/** Nothing but these may be written into a statement as a name. */
export function quoteName(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new TypeError(`${JSON.stringify(name)} is no name of ours`);
  return `"${name}"`;
}

type Row = {
  name: string;
  columns: string[];
  types: Record<string, string>;
  key: string[] | null;
  numbered: string | null;
  partitioned_by: string | null;
  needs: string[];
};

/**
 * The tables of a workspace, each after those it refers to. Read from the catalog, so that no list can be forgotten.
 * Months that were taken out of use (migration 0003) are no part of them.
 */
export async function readTenantTables(client: ClientBase, schema = 'public'): Promise<TenantTable[]> {
  const { rows } = await client.query<Row>(
    `select c.relname::text as name,
       (select array_agg(a.attname::text order by a.attname) from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
       (select json_object_agg(a.attname, format_type(a.atttypid, a.atttypmod)) from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as types,
       (select array_agg(a.attname::text order by k.place) from pg_index i
         cross join lateral unnest(i.indkey::int2[]) with ordinality as k(number, place)
         join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
         where i.indrelid = c.oid and i.indisprimary) as key,
       (select a.attname::text from pg_attribute a left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
         where a.attrelid = c.oid and (a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) like 'nextval(%')) as numbered,
       pg_get_partkeydef(c.oid) as partitioned_by,
       coalesce((select array_agg(distinct r.relname::text) from pg_constraint f join pg_class r on r.oid = f.confrelid
         where f.conrelid = c.oid and f.contype = 'f' and r.oid <> c.oid), '{}') as needs
     from pg_class c
     where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped)
       and c.relname <> all($2::text[])
       and coalesce(obj_description(c.oid, 'pg_class'), '') !~ '^retired '
     order by c.relname`,
    [schema, CONTROL_TABLES],
  );
  const left = new Map(rows.map((row) => [row.name, row]));
  const sorted: TenantTable[] = [];
  while (left.size > 0) {
    const next = [...left.values()].find(({ needs }) => !needs.some((name) => left.has(name)));
    if (!next) throw new Error(`the tables ${[...left.keys()].join(', ')} refer to each other in a circle`);
    left.delete(next.name);
    if (!next.key) throw new Error(`the table ${next.name} has no primary key`);
    sorted.push({
      name: next.name,
      columns: next.columns,
      types: next.types,
      key: next.key,
      numbered: next.numbered,
      partitionedBy: next.partitioned_by,
    });
  }
  return sorted;
}

/**
 * What moving needs of tables, set up once: their owner may read and write the rows of the workspace that is set (a
 * superuser may anyway), and references are checked at the end of a transaction when it asks for that.
 */
export async function makeMovable(client: ClientBase, schema: string, tables: TenantTable[]): Promise<void> {
  for (const { name } of tables) {
    const table = `${quoteName(schema)}.${quoteName(name)}`;
    const { rows: policies } = await client.query(
      `select from pg_policies where schemaname = $1 and tablename = $2 and policyname = 'mover'`,
      [schema, name],
    );
    if (policies.length === 0) {
      const own = `workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid`;
      await client.query(`create policy mover on ${table} to current_user using (${own}) with check (${own})`);
    }
    const { rows: references } = await client.query<{ conname: string }>(
      `select conname from pg_constraint where conrelid = $1::regclass and contype = 'f' and conparentid = 0 and not condeferrable`,
      [table],
    );
    for (const { conname } of references)
      await client.query(`alter table ${table} alter constraint ${quoteName(conname)} deferrable initially immediate`);
  }
}
