import { sql } from 'drizzle-orm';
import { DELIVERY_DUE, writeDeliveryKey } from '../features/messages/topics.ts';
import type { Sweep } from '../platform/sweeps/sweeps.ts';
import type { Wake } from '../platform/cluster/wake.ts';
import type { Database } from '../platform/data/index.ts';
import { THREAD, writeThreadKey } from './threads.ts';

// Foreign tables: memberships. When the process begins, no agent is connected.
// Real time (5): leases and tries.

const LIMIT = 500;

/** What a lost wake or a dead process left: pending events without a live lease. */
export const pendingThreads = (wake: Wake): Sweep => ({
  name: 'pending threads',
  async at(place) {
    const { rows } = await place.asSystem((tx) =>
      tx.execute<{ workspace_id: string; inbox_id: string; thread_key: string }>(sql`
        select distinct e.workspace_id, e.inbox_id, e.thread_key from inbound_events e
        left join threads t on t.inbox_id = e.inbox_id and t.thread_key = e.thread_key
        where e.processed_at is null and e.dead_at is null and e.received_at < now() - interval '1 second'
          and (t.lease_until is null or t.lease_until < now()) limit ${LIMIT}`),
    );
    for (const row of rows)
      wake.wake(
        THREAD,
        writeThreadKey({ workspaceId: row.workspace_id, inboxId: row.inbox_id, threadKey: row.thread_key }),
      );
  },
});

/** Deliveries that are due, or whose sender died. */
export const dueDeliveries = (wake: Wake): Sweep => ({
  name: 'due deliveries',
  async at(place) {
    const { rows } = await place.asSystem((tx) =>
      tx.execute<{ workspace_id: string; thread_id: string }>(sql`
        select distinct workspace_id, thread_id from deliveries
        where (state = 'pending' and next_attempt_at < now() - interval '1 second')
           or (state = 'sending' and lease_until < now()) limit ${LIMIT}`),
    );
    for (const row of rows)
      wake.wake(DELIVERY_DUE, writeDeliveryKey({ workspaceId: row.workspace_id, threadId: row.thread_id }));
  },
});

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
