import type { Database } from '../platform/db/index.ts';

/**
 * Frees what a dead process held. Only the embedded database allows that: whoever has its folder is the only process, so
 * every lease is of the dead, and nobody is at the desk yet. On a server another process may live, and leases run out by themselves, in seconds.
 */
export async function freeLeasesOfTheDead(database: Database): Promise<void> {
  if (database.kind !== 'embedded') return;
  await database.asOwner(async (client) => {
    await client.query('update threads set lease_until = null, lease_holder = null where lease_until is not null');
    await client.query("update memberships set presence = 'offline' where presence <> 'offline'");
    await client.query("update deliveries set lease_until = now() where state = 'sending'");
  });
}
