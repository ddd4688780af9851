import type { Client } from 'pg';
import type { Keyring } from '../platform/security/crypto.ts';
import { MIGRATIONS } from '../platform/data/index.ts';
import { migrate, readMigrations } from '../platform/data/migrate.ts';
import { inTransaction } from '../platform/data/transaction.ts';
import { MoveError } from './errors.ts';
import { readPeople, writePeople } from './mirror.ts';
import type { Placements } from '../platform/data/placing.ts';
import { makeMovable, readTenantTables } from './tables.ts';

// Foreign tables: workspaces. A database of a workspace’s own has its people beside it.

/** The addresses of workspaces that live in a database of their own and stay there for now, by workspace. */
export function ownDatabases(placements: Pick<Placements, 'elsewhere'>, keyring: Keyring): Map<string, string> {
  const found = new Map<string, string>();
  for (const { workspaceId, kind, address, isFrozen } of placements.elsewhere())
    if (kind === 'database' && address !== null && !isFrozen)
      found.set(workspaceId, keyring.decrypt(address, workspaceId));
  return found;
}

/** The role that sees people and workspaces, for one transaction of the owner's, who may see none of them. */
export const asSystem = <T>(client: Client, work: () => Promise<T>): Promise<T> =>
  inTransaction(client, work, 'begin; set local role parley_system');

/**
 * Makes a database fit for one workspace: all tables of the product at the version of the shared database, and in those of
 * people the workspace and its members, which others refer to.
 *
 * @throws MoveError when it is the shared database itself, or has another workspace in it
 */
export async function prepareDatabase(own: Client, shared: Client, workspaceId: string): Promise<void> {
  await migrate(own, MIGRATIONS, { contract: await isContracted(shared) });
  await assertAnother(own, shared);
  const others = await asSystem(own, () => own.query('select from workspaces where id <> $1', [workspaceId]));
  if (others.rows.length > 0) throw new MoveError('another workspace lives in this database');
  const people = await asSystem(shared, () => readPeople(shared, workspaceId));
  await asSystem(own, () => writePeople(own, people));
  await makeMovable(own, 'public', await readTenantTables(own));
}

/** @throws MoveError when both are one database: what is removed from one would be gone from the other */
export async function assertAnother(own: Client, shared: Client): Promise<void> {
  const idOf = async (client: Client): Promise<unknown> => {
    const read = () => client.query<{ id: string }>('select id from installation');
    const { rows } = await inTransaction(client, read, 'begin; set local role parley_app');
    return rows[0]?.id;
  };
  if ((await idOf(own)) === (await idOf(shared))) throw new MoveError('this address is that of the shared database');
}

/** Whether the shared database has had its migrations that take something away. */
async function isContracted(shared: Client): Promise<boolean> {
  const { rows } = await shared.query<{ number: number }>('select number from schema_migrations');
  const applied = new Set(rows.map((row) => row.number));
  return readMigrations(MIGRATIONS).every(({ number, isContract }) => !isContract || applied.has(number));
}
