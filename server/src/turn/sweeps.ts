import { sql } from 'drizzle-orm';
import { DELIVERY_DUE, writeDeliveryKey } from '../features/messages/topics.ts';
import type { Sweep } from '../platform/sweeps/sweeps.ts';
import type { Wake } from '../platform/cluster/wake.ts';
import { THREAD, writeThreadKey } from './topics.ts';

// Real time: leases and tries.

const AT_ONCE = 500;

/** What a lost wake or a dead process left: pending events without a live lease. */
export const pendingThreads = (wake: Wake): Sweep => ({
  name: 'pending threads',
  async at(place) {
    const { rows } = await place.asSystem((tx) =>
      tx.execute<{ workspace_id: string; inbox_id: string; thread_key: string }>(sql`
        select distinct e.workspace_id, e.inbox_id, e.thread_key from inbound_events e
        left join threads t on t.inbox_id = e.inbox_id and t.thread_key = e.thread_key
        where e.processed_at is null and e.dead_at is null and e.received_at < now() - interval '1 second'
          and (t.lease_until is null or t.lease_until < now()) limit ${AT_ONCE}`),
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
           or (state = 'sending' and lease_until < now()) limit ${AT_ONCE}`),
    );
    for (const row of rows)
      wake.wake(DELIVERY_DUE, writeDeliveryKey({ workspaceId: row.workspace_id, threadId: row.thread_id }));
  },
});
