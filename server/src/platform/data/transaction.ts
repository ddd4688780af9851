import type { ClientBase } from 'pg';

/** Runs `work` in one transaction of this connection. `opening`: what it begins with, where that is more than `begin`. */
export async function inTransaction<T>(client: ClientBase, work: () => Promise<T>, opening = 'begin'): Promise<T> {
  await client.query(opening);
  try {
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}
