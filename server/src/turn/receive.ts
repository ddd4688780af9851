import type { ChannelName } from '@parley/contract';
import type { Inbound } from '../channels/contract.ts';
import { newId } from '../platform/data/ids.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import { carried, inSpan } from '../platform/telemetry/tracing.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { turnMetrics } from './metrics.ts';
import { storedJson } from '../platform/data/stored-json.ts';
import type { Store } from '../platform/data/tenant.ts';
import type { Wake } from '../platform/cluster/wake.ts';
import { createGroupCommit } from '../platform/data/group-commit.ts';
import { resolveThreads, THREAD, writeThreadKey } from './threads.ts';

export type ReceivingInbox = { id: string; workspaceId: string; channel: ChannelName };
export type Received = { stored: number; repeated: number };
export type Receive = (inbox: ReceivingInbox, events: Inbound[]) => Promise<Received>;

/**
 * One statement on its own is a transaction of its own: it sets the workspace, inserts under row-level security and
 * commits. The platform's id, in a table of its own, makes a second delivery of the same event harmless, also at the same
 * instant: only the events whose id was new are stored. The lock is of the thread and held until the commit, so that a
 * higher `seq` of a thread is never seen before a lower one: without it a mailbox could answer the second of two messages
 * first. All processes take the locks, and then the ids, in the same order.
 */
export const RECEIVE = `
  with c as materialized (select set_config('app.workspace_id', $1, true)::uuid as w),
  locked as materialized (
    select count(pg_advisory_xact_lock(k.key)) from (
      select distinct hashtextextended(t.inbox_id::text || t.thread_key, 0) as key
      from unnest($3::uuid[], $4::text[]) as t(inbox_id, thread_key) order by 1) k),
  fresh as (
    insert into inbound_ids (workspace_id, inbox_id, platform_id, event_id)
    select c.w, i.inbox_id, i.platform_id, i.id
    from c, locked, unnest($2::uuid[], $3::uuid[], $5::text[]) with ordinality as i(id, inbox_id, platform_id, place)
    order by i.inbox_id, i.platform_id, i.place
    on conflict (inbox_id, platform_id) do nothing
    returning workspace_id, event_id)
  insert into inbound_events (id, workspace_id, inbox_id, thread_key, platform_id, kind, payload, request_id)
  select e.id, fresh.workspace_id, e.inbox_id, e.thread_key, e.platform_id, e.kind, e.payload, e.request_id
  from fresh, unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::text[]) with ordinality
    as e(id, inbox_id, thread_key, platform_id, kind, payload, request_id, place)
  where e.id = fresh.event_id
  order by e.place
  returning id`;

/** What came from a platform and cannot be read, by whichever way it came: counted and logged, and it holds nothing up. */
export function noteSkipped(
  { metrics, log }: { metrics: Metrics; log: Logger },
  inbox: ReceivingInbox,
  skipped: readonly string[],
): void {
  if (skipped.length === 0) return;
  const { id: inboxId, channel } = inbox;
  metrics.of(turnMetrics).inboundEvents.inc({ channel, outcome: 'skipped' }, skipped.length);
  log.warn({ channel, inboxId, skipped: skipped.slice(0, 20) }, 'items from a platform were skipped');
}

/** Each thread takes a lock of the database until the commit, and those are few for all tenants together. */
const MAX_EVENTS = 500;

type Entry = { id: string; inboxId: string; event: Inbound; requestId: string | null };

/**
 * Stores what a platform sent; when it returns, the events are committed. Work on them starts at once. Events of one
 * workspace that arrive while a commit is under way share the next one.
 */
export function createReceive(deps: { store: Store; wake: Wake; metrics: Metrics; log: Logger }): Receive {
  const { store, wake, metrics, log } = deps;

  async function write(workspaceId: string, groups: Entry[][]): Promise<Set<string>[]> {
    const entries = groups.flat();
    const rows = await store.statement<{ id: string }>(
      RECEIVE,
      [
        workspaceId,
        entries.map((entry) => entry.id),
        entries.map((entry) => entry.inboxId),
        entries.map(({ event }) => event.threadKey),
        entries.map(({ event }) => event.platformId),
        entries.map(({ event }) => event.kind),
        entries.map(({ event }) => storedJson(event)),
        entries.map((entry) => entry.requestId),
      ],
      workspaceId,
    );
    const stored = new Set(rows.map((row) => row.id));
    return groups.map(() => stored);
  }
  const commit = createGroupCommit<Entry[], Set<string>>({
    write,
    keys: (entries) => entries.map(({ inboxId, event }) => `${inboxId} ${event.threadKey}`),
    maxBatch: 100,
    concurrency: 2,
  });

  return async (inbox, events) => {
    if (events.length === 0) return { stored: 0, repeated: 0 };
    const attributes = { 'parley.channel': inbox.channel, 'parley.events': events.length };
    return inSpan('receive', { attributes }, async () => {
      const resolved = await resolveThreads(store, inbox, events);
      const sum = { stored: 0, repeated: 0 };
      for (let from = 0; from < resolved.length; from += MAX_EVENTS) {
        const { stored, repeated } = await receive(inbox, resolved.slice(from, from + MAX_EVENTS));
        sum.stored += stored;
        sum.repeated += repeated;
      }
      return sum;
    });
  };

  /** Platforms go by their own clock. */
  function inOurTime(event: Inbound): Inbound {
    const at = store.clock.ofOutside(event.at);
    if (at === event.at) return event;
    return event.kind === 'watermark' ? { ...event, at, upTo: store.clock.ofOutside(event.upTo) } : { ...event, at };
  }

  async function receive(inbox: ReceivingInbox, events: Inbound[]): Promise<Received> {
    const requestId = carried() ?? null;
    const entries = events.map((event) => ({ id: newId(), inboxId: inbox.id, event: inOurTime(event), requestId }));
    const committed = await commit(inbox.workspaceId, entries);
    const stored = entries.filter((entry) => committed.has(entry.id));
    for (const { event } of stored) {
      const { workspaceId, id: inboxId } = inbox;
      wake.wake(THREAD, writeThreadKey({ workspaceId, inboxId, threadKey: event.threadKey }));
    }
    const repeated = entries.length - stored.length;
    metrics.of(turnMetrics).inboundEvents.inc({ channel: inbox.channel, outcome: 'stored' }, stored.length);
    if (repeated > 0)
      metrics.of(turnMetrics).inboundEvents.inc({ channel: inbox.channel, outcome: 'repeated' }, repeated);
    log.debug({ channel: inbox.channel, inboxId: inbox.id, stored: stored.length, repeated }, 'received');
    return { stored: stored.length, repeated };
  }
}
