import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientBase } from 'pg';

/** The database and the migration files do not fit together. One line for the operator. */
export class MigrationError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'MigrationError';
  }
}

export type Migration = { number: number; name: string; text: string; checksum: string };

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
    return { number, name, text, checksum: createHash('sha256').update(text).digest('hex') };
  });
}

/**
 * Creates the two roles if missing, then applies what is pending, each migration in a transaction with its row in
 * `schema_migrations`. Safe to run from several processes at once, and again.
 *
 * @param client a connection as the owner of the tables, used by nobody else meanwhile
 * @returns the names applied now
 * @throws MigrationError in one line: an applied migration was edited, one came late, or one failed
 */
export async function migrate(client: ClientBase, folder: string): Promise<string[]> {
  const migrations = readMigrations(folder);
  await locked(client, async () => {
    await ensureRoles(client);
    await client.query(
      `create table if not exists schema_migrations (
         number integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`,
    );
  });
  const applied: string[] = [];
  for (const migration of migrations) if (await apply(client, migration)) applied.push(migration.name);
  return applied;
}

async function apply(client: ClientBase, migration: Migration): Promise<boolean> {
  return locked(client, async () => {
    const { rows } = await client.query<{ number: number; checksum: string }>(
      'select number, checksum from schema_migrations where number = $1 or number = (select max(number) from schema_migrations)',
      [migration.number],
    );
    const done = rows.find((row) => row.number === migration.number);
    if (done && done.checksum !== migration.checksum) {
      throw new MigrationError(`migration ${migration.name} was edited after it was applied; write a new one instead`);
    }
    if (done) return false;
    if (rows.some((row) => row.number > migration.number)) {
      throw new MigrationError(`migration ${migration.name} comes before one that is already applied; renumber it`);
    }
    try {
      await client.query(migration.text);
    } catch (error) {
      throw new MigrationError(`migration ${migration.name} failed: ${message(error)}`, error);
    }
    await client.query('insert into schema_migrations (number, name, checksum) values ($1, $2, $3)', [
      migration.number,
      migration.name,
      migration.checksum,
    ]);
    return true;
  });
}

/** One transaction under the lock, which ends with it, so it cannot outlive a crash or leak through a proxy. */
async function locked<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    await client.query('select pg_advisory_xact_lock($1)', [LOCK]);
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
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
