import type { Database } from '../platform/data/index.ts';

// Foreign tables: memberships. Nobody is at the desk when the process begins.
// Real time: leases.

/**
 * Frees what a dead process held, in each of the schemas. Only the embedded database allows that: whoever has its folder is the only process, so
 * every lease is of the dead, and nobody is at the desk yet. On a server another process may live, and leases run out by themselves, in seconds.
 */
export async function freeLeasesOfTheDead(database: Database, schemas: string[]): Promise<void> {
  if (database.kind !== 'embedded') return;
  await database.asOwner(async (client) => {
    await client.query("update memberships set presence = 'offline' where presence <> 'offline'");
    for (const schema of schemas) {
      await client.query(
        `update ${schema}.threads set lease_until = null, lease_holder = null where lease_until is not null`,
      );
      await client.query(`update ${schema}.deliveries set lease_until = now() where state = 'sending'`);
    }
  });
}
