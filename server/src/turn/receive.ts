import type { ChannelName } from '@parley/contract';
import type { Inbound } from '../channels/contract.ts';
import { newId } from '../platform/ids.ts';
import { currentRequestId } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Store } from '../platform/tenant.ts';
import type { Wake } from '../platform/wake.ts';
import { THREAD, writeThreadKey } from './topics.ts';

export type ReceivingInbox = { id: string; workspaceId: string; channel: ChannelName };
export type Received = { stored: number; repeated: number };
export type Receive = (inbox: ReceivingInbox, events: Inbound[]) => Promise<Received>;

/**
 * One statement on its own is a transaction of its own: it sets the workspace, inserts under row-level security and
 * commits. The platform's id makes a second delivery of the same event harmless, also at the same instant.
 */
const INSERT = `
  with c as materialized (select set_config('app.workspace_id', $1, true)::uuid as w)
  insert into inbound_events (id, workspace_id, inbox_id, thread_key, platform_id, kind, payload, request_id)
  select e.id, c.w, $2::uuid, e.thread_key, e.platform_id, e.kind, e.payload, $3
  from c, unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::jsonb[]) as e(id, thread_key, platform_id, kind, payload)
  on conflict (inbox_id, platform_id) do nothing
  returning thread_key`;

/** Stores what a platform sent; when it returns, the events are committed. Work on them starts at once. */
export function createReceive({ store, wake, metrics }: { store: Store; wake: Wake; metrics: Metrics }): Receive {
  return async function receive(inbox, events) {
    if (events.length === 0) return { stored: 0, repeated: 0 };
    const rows = await store.statement<{ thread_key: string }>(INSERT, [
      inbox.workspaceId,
      inbox.id,
      currentRequestId() ?? null,
      events.map(() => newId()),
      events.map((event) => event.threadKey),
      events.map((event) => event.platformId),
      events.map((event) => event.kind),
      events.map((event) => JSON.stringify(event)),
    ]);
    for (const { thread_key: threadKey } of rows) {
      wake.wake(THREAD, writeThreadKey({ workspaceId: inbox.workspaceId, inboxId: inbox.id, threadKey }));
    }
    const repeated = events.length - rows.length;
    metrics.inboundEvents.inc({ channel: inbox.channel, outcome: 'stored' }, rows.length);
    if (repeated > 0) metrics.inboundEvents.inc({ channel: inbox.channel, outcome: 'repeated' }, repeated);
    return { stored: rows.length, repeated };
  };
}
