import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientBase } from 'pg';
import { inTransaction } from './transaction.ts';

/** The database and the migration files do not fit together. One line for the operator. */
export class MigrationError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'MigrationError';
  }
}

export type Migration = {
  number: number;
  name: string;
  text: string;
  checksum: string;
  /** takes away what the version before still uses: runs when no process of that version is left */
  isContract: boolean;
  /** the part that every schema with tenant tables needs, not the shared one alone; '' for none */
  everywhere: string;
};

/** The first line of a migration that contracts. */
const CONTRACT = '-- phase: contract';
/** From such a line to the next, a migration is for the shared schema alone, or for those of single workspaces, too. */
const SECTION = /^-- placement: (shared|everywhere)$/m;

/** Everything that starts and migrates at the same time queues here; "prly" as a number. */
const LOCK = 0x70726c79;

/** The migrations of a folder, in order: files `NNNN_name.sql`. */
export function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  let last = 0;
  return names.map((name) => {
    const number = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1]);
    if (!number) throw new MigrationError(`migration ${name} is not named like 0001_what_it_does.sql`);
    if (number === last) throw new MigrationError(`two migrations have the number ${name.slice(0, 4)}`);
    last = number;
    // A checkout may turn line ends; that is no edit.
    const text = readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n');
    const checksum = createHash('sha256').update(text).digest('hex');
    return {
      number,
      name,
      text,
      checksum,
      isContract: text.startsWith(`${CONTRACT}\n`),
      everywhere: everywhereOf(text),
    };
  });
}

function everywhereOf(text: string): string {
  // Splitting by a pattern with a group gives the words of the marks between the texts.
  const [, ...marked] = text.split(SECTION);
  return marked
    .flatMap((word, index) => (word === 'everywhere' && index % 2 === 0 ? [marked[index + 1] ?? ''] : []))
    .join('\n');
}

/**
 * Creates the two roles if missing, then applies what is pending, each migration in a transaction with its row in
 * `schema_migrations`. Safe to run from several processes at once, and again.
 *
 * @param client a connection as the owner of the tables, used by nobody else meanwhile
 * @param contract also those that take away what the version before still uses
 * @returns the names applied now
 * @throws MigrationError in one line: an applied migration was edited, one came late, or one failed
 */
export async function migrate(client: ClientBase, folder: string, { contract = false } = {}): Promise<string[]> {
  const migrations = readMigrations(folder).filter(({ isContract }) => contract || !isContract);
  await locked(client, async () => {
    await ensureRoles(client);
    await client.query(
      `create table if not exists schema_migrations (
         number integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`,
    );
  });
  const applied: string[] = [];
  for (const migration of migrations)
    if (await apply(client, migration, 'schema_migrations', migration.text)) applied.push(migration.name);
  return applied;
}

/**
 * The same for the schema of one workspace, which was made when some migrations were applied already: of the later ones
 * those parts run that are for every schema. It keeps a record of its own, so that it goes on where it stopped.
 *
 * @param schema a name that needs no quotes
 */
export async function migrateSchema(
  client: ClientBase,
  folder: string,
  schema: string,
  { contract = false } = {},
): Promise<string[]> {
  const applied: string[] = [];
  for (const migration of readMigrations(folder)) {
    if (migration.isContract && !contract) continue;
    const text = migration.everywhere && `set local search_path to ${schema}, public; ${migration.everywhere}`;
    if (await apply(client, migration, `${schema}.schema_migrations`, text)) applied.push(migration.name);
  }
  return applied;
}

async function apply(client: ClientBase, migration: Migration, record: string, text: string): Promise<boolean> {
  return locked(client, async () => {
    const { rows } = await client.query<{ number: number; checksum: string }>(
      `select number, checksum from ${record} where number = $1 or number = (select max(number) from ${record})`,
      [migration.number],
    );
    const done = rows.find((row) => row.number === migration.number);
    if (done && done.checksum !== migration.checksum) {
      throw new MigrationError(`migration ${migration.name} was edited after it was applied; write a new one instead`);
    }
    if (done) return false;
    if (!migration.isContract && rows.some((row) => row.number > migration.number)) {
      throw new MigrationError(`migration ${migration.name} comes before one that is already applied; renumber it`);
    }
    try {
      if (text) await client.query(text);
    } catch (error) {
      throw new MigrationError(`migration ${migration.name} failed: ${message(error)}`, error);
    }
    await client.query(`insert into ${record} (number, name, checksum) values ($1, $2, $3)`, [
      migration.number,
      migration.name,
      migration.checksum,
    ]);
    return true;
  });
}

/** One transaction under the lock, which ends with it, so it cannot outlive a crash or leak through a proxy. */
async function locked<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  return inTransaction(client, async () => {
    await client.query('select pg_advisory_xact_lock($1)', [LOCK]);
    return work();
  });
}

/**
 * parley_app runs the product under row-level security; parley_system does the few things no workspace owns.
 * Neither logs in, owns tables, or may bypass row-level security. A database administrator may have made them before.
 */
async function ensureRoles(client: ClientBase): Promise<void> {
  await client.query(`
    do $$
    declare wanted text;
    begin
      foreach wanted in array array['parley_app', 'parley_system'] loop
        if not exists (select from pg_roles where rolname = wanted) then
          begin
            execute format('create role %I nologin', wanted);
          exception when duplicate_object or unique_violation then
            null; -- another database of the same server made it at this moment
          end;
        end if;
        if not pg_has_role(current_user, wanted, 'SET') then
          execute format('grant %I to %I', wanted, current_user);
        end if;
      end loop;
    end $$`);
  const { rows } = await client.query<{ rolname: string }>(
    `select rolname from pg_roles where rolname in ('parley_app', 'parley_system') and (rolsuper or rolbypassrls)`,
  );
  if (rows[0]) throw new MigrationError(`role ${rows[0].rolname} can bypass row-level security and must not`);
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
