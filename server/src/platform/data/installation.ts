import type { Database } from './index.ts';

/** The id this installation was born with, a uuid. A restored copy of its database is the same installation. */
export async function readInstallation(database: Database): Promise<string> {
  const { rows } = await database.pool.query<{ id: string }>('select id from installation');
  const id = rows[0]?.id;
  if (!id) throw new Error('the installation has no id');
  return id;
}
