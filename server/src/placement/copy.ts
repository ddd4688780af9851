import type { ClientBase } from 'pg';
import { inTransaction } from '../platform/data/transaction.ts';
import { quoteName } from './tables.ts';
import type { TenantTable } from './tables.ts';

/** Where rows of a workspace are. Both sides of a copy may share one connection, when they share a database. */
export type Side = { client: ClientBase; schema: string };

export type Copying = { workspaceId: string; tables: TenantTable[]; from: Side; to: Side };

/** Count and checksum of each table of a workspace. */
export type Summary = Map<string, { rows: number; checksum: string }>;

const ROWS = 200;
const COMMIT_AFTER_ROWS = 5_000;

const tableOf = (side: Side, { name }: TenantTable): string => `${quoteName(side.schema)}.${quoteName(name)}`;
const list = (columns: string[]): string => columns.map(quoteName).join(', ');
/** Rows near each other in time share a group, so that what changed lately is in few of them. */
const groupOf = ({ key }: TenantTable): string =>
  key.includes('id')
    ? `left(t."id"::text, 7)`
    : `left(md5(row(${key.map((name) => `t.${quoteName(name)}`).join(', ')})::text), 3)`;
/** A row as a JSON object of texts: what each type itself calls its whole value, whatever the order of columns. */
const written = (columns: string[]): string =>
  `(select row_to_json(x)::text from (select ${columns.map((name) => `t.${quoteName(name)}::text`).join(', ')}) x)`;
/** Rows of $1 as `written` wrote them, with their types. */
const parsed = (columns: string[], { types }: TenantTable): string =>
  `select ${columns.map((name) => `r.${quoteName(name)}::${types[name]}`).join(', ')}
   from json_to_recordset($1::json) as r(${columns.map((name) => `${quoteName(name)} text`).join(', ')})`;

/** In this transaction the rows of the workspace are visible, written in the same way everywhere. */
async function look({ client }: Side, workspaceId: string): Promise<void> {
  await client.query(
    `select set_config('app.workspace_id', $1, true), set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true),
       set_config('intervalstyle', 'postgres', true), set_config('extra_float_digits', '1', true), set_config('statement_timeout', '0', true)`,
    [workspaceId],
  );
}

function inside<T>(side: Side, workspaceId: string, mode: string, work: () => Promise<T>): Promise<T> {
  const run = () => look(side, workspaceId).then(work);
  return inTransaction(side.client, run, `begin ${mode}`);
}

/** Runs it over one consistent view of the source. The target's changes are committed together, or not at all. */
async function across<T>({ from, to, workspaceId }: Copying, work: () => Promise<T>): Promise<T> {
  const isOne = from.client === to.client;
  const mode = `isolation level repeatable read${isOne ? '' : ' read only'}`;
  return inside(from, workspaceId, mode, isOne ? work : () => inside(to, workspaceId, '', work));
}

/** Whether nothing of the workspace is there. */
export async function isEmpty(side: Side, workspaceId: string, tables: TenantTable[]): Promise<boolean> {
  return inside(side, workspaceId, 'read only', async () => {
    for (const table of tables) {
      const { rows } = await side.client.query(`select from ${tableOf(side, table)} where workspace_id = $1 limit 1`, [
        workspaceId,
      ]);
      if (rows.length > 0) return false;
    }
    return true;
  });
}

/**
 * Copies everything to a place that has nothing of the workspace yet, while it is worked on: a view of one moment, in the
 * order of references, committed in portions where two connections allow it. An interrupted one is gone on with by
 * `bringInLine`.
 */
export async function copyAll(copying: Copying): Promise<number> {
  const { from, to, workspaceId, tables } = copying;
  let copied = 0;
  let uncommitted = 0;
  await across(copying, async () => {
    for (const table of tables) {
      await from.client.query(
        `declare rows no scroll cursor for select ${written(table.columns)} as row from ${tableOf(from, table)} t where t.workspace_id = '${workspaceId}'`,
      );
      for (;;) {
        const { rows } = await from.client.query<{ row: string }>(`fetch ${ROWS} from rows`);
        if (rows.length === 0) break;
        await insert(
          to,
          table,
          rows.map(({ row }) => row),
        );
        copied += rows.length;
        uncommitted += rows.length;
        if (uncommitted < COMMIT_AFTER_ROWS || from.client === to.client) continue;
        uncommitted = 0;
        await to.client.query('commit');
        await to.client.query('begin');
        await look(to, workspaceId);
      }
      await from.client.query('close rows');
    }
  });
  return copied;
}

/**
 * Makes the target what the source is: compares groups of rows by checksum, removes what is different, and copies what
 * is missing. @returns how many rows were removed or copied
 */
export async function bringInLine(copying: Copying): Promise<number> {
  const { from, to, tables } = copying;
  return across(copying, async () => {
    await to.client.query('set constraints all deferred');
    const missing: string[][] = [];
    let changed = 0;
    for (const table of tables) {
      const { surplus, wanted } = await difference(copying, table);
      missing.push(wanted);
      changed += surplus.length + wanted.length;
      for (const keys of portions(surplus)) await remove(to, table, keys);
    }
    for (const [index, table] of tables.entries())
      for (const keys of portions(missing[index] ?? [])) await insert(to, table, await read(from, table, keys));
    return changed;
  });
}

/** Gives the target's sequences a start after what was copied. */
export async function advanceNumbers({ to, workspaceId, tables }: Omit<Copying, 'from'>): Promise<void> {
  await inside(to, workspaceId, '', async () => {
    for (const table of tables) {
      if (!table.numbered) continue;
      const name = tableOf(to, table);
      await to.client.query(
        `select setval(s.seq, m.highest) from (select pg_get_serial_sequence($1, $2)::regclass as seq) s
         cross join (select max(t.${quoteName(table.numbered)}) as highest from ${name} t where t.workspace_id = $3) m
         where s.seq is not null and m.highest > coalesce(pg_sequence_last_value(s.seq), 0)`,
        [name, table.numbered, workspaceId],
      );
    }
  });
}

/** What a side has of the workspace: every table's count, and a checksum over all of its rows. */
export async function summarize(side: Side, workspaceId: string, tables: TenantTable[]): Promise<Summary> {
  return inside(side, workspaceId, 'isolation level repeatable read read only', async () => {
    const summary: Summary = new Map();
    for (const table of tables) {
      const { rows } = await side.client.query<{ rows: number; checksum: string | null }>(
        `select coalesce(sum(g.rows), 0)::int as rows, md5(string_agg(g.name || g.rows || g.checksum, ',' order by g.name)) as checksum
         from (${groups(side, table)}) g`,
        [workspaceId],
      );
      summary.set(table.name, { rows: rows[0]?.rows ?? 0, checksum: rows[0]?.checksum ?? '' });
    }
    return summary;
  });
}

const groups = (side: Side, table: TenantTable): string =>
  `select ${groupOf(table)} as name, count(*)::int as rows, md5(string_agg(h.sum, '' order by h.sum)) as checksum
   from ${tableOf(side, table)} t cross join lateral (select md5(${written(table.columns)}) as sum) h
   where t.workspace_id = $1 group by 1`;

/** Primary keys, as JSON: what the target has and should not have, and what it has not and should. */
async function difference(
  { from, to, workspaceId }: Copying,
  table: TenantTable,
): Promise<{ surplus: string[]; wanted: string[] }> {
  type Group = { name: string; rows: number; checksum: string };
  const of = async (side: Side) =>
    new Map(
      (await side.client.query<Group>(groups(side, table), [workspaceId])).rows.map((group) => [group.name, group]),
    );
  const there = await of(from);
  const here = await of(to);
  const names = [...new Set([...there.keys(), ...here.keys()])].filter((name) => {
    const [one, other] = [there.get(name), here.get(name)];
    return one?.rows !== other?.rows || one?.checksum !== other?.checksum;
  });
  const [surplus, wanted]: [string[], string[]] = [[], []];
  for (const some of portions(names)) {
    const rowsOf = async (side: Side) =>
      new Map(
        (
          await side.client.query<{ key: string; sum: string }>(
            `select ${written(table.key)} as key, md5(${written(table.columns)}) as sum from ${tableOf(side, table)} t
             where t.workspace_id = $1 and ${groupOf(table)} = any($2::text[])`,
            [workspaceId, some],
          )
        ).rows.map(({ key, sum }) => [key, sum]),
      );
    const source = await rowsOf(from);
    const target = await rowsOf(to);
    for (const [key, sum] of target) if (source.get(key) !== sum) surplus.push(key);
    for (const [key, sum] of source) if (target.get(key) !== sum) wanted.push(key);
  }
  return { surplus, wanted };
}

const array = (rows: string[]): string => `[${rows.join(',')}]`;

async function insert(to: Side, table: TenantTable, rows: string[]): Promise<void> {
  const name = tableOf(to, table);
  await to.client.query(
    `insert into ${name} (${list(table.columns)}) overriding system value
     ${parsed(table.columns, table)}`,
    [array(rows)],
  );
}

const among = (table: TenantTable): string => `(${list(table.key)}) in (${parsed(table.key, table)})`;

async function read(from: Side, table: TenantTable, keys: string[]): Promise<string[]> {
  const { rows } = await from.client.query<{ row: string }>(
    `select ${written(table.columns)} as row from ${tableOf(from, table)} t where ${among(table)}`,
    [array(keys)],
  );
  return rows.map(({ row }) => row);
}

async function remove(to: Side, table: TenantTable, keys: string[]): Promise<void> {
  await to.client.query(`delete from ${tableOf(to, table)} where ${among(table)}`, [array(keys)]);
}

/** Forgets what a side has of the workspace, in an order that references allow. */
export async function removeAll(side: Side, workspaceId: string, tables: TenantTable[]): Promise<void> {
  await inside(side, workspaceId, '', async () => {
    for (const table of tables.toReversed())
      await side.client.query(`delete from ${tableOf(side, table)} where workspace_id = $1`, [workspaceId]);
  });
}

function* portions(items: string[]): Generator<string[]> {
  for (let start = 0; start < items.length; start += ROWS) yield items.slice(start, start + ROWS);
}
