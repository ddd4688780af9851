import { sql } from 'drizzle-orm';
import type { Logger } from '../platform/log.ts';
import type { Place, Store } from '../platform/tenant.ts';
import type { Wake } from '../platform/wake.ts';
import { isConnectionLoss } from '../platform/outage.ts';
import { OUTBOX } from '../platform/facts/relay.ts';
import { DELIVERY_DUE, writeDeliveryKey } from '../features/messages/topics.ts';
import { THREAD, writeThreadKey } from './topics.ts';

const EVERY_MS = 2_000;
const BATCH = 500;

/**
 * Finds what a lost wake or a dead process left: pending events without a live lease, deliveries that are due, facts that
 * were not relayed, snoozes that are over. It looks as parley_system, which sees no word anybody wrote; the work itself is
 * woken and runs inside its workspace.
 */
export function createSweeper(parts: {
  store: Store;
  wake: Wake;
  log: Logger;
  /** a snooze is over */
  wakeUp: (workspaceId: string, conversationId: string) => Promise<void>;
  /** further lost work of other rooms, e.g. sources that were never read to the end */
  also: (() => Promise<unknown>)[];
}) {
  const { store, wake, log } = parts;
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> = Promise.resolve();
  let closed = false;

  type Row = { kind: 'thread' | 'lane' | 'fact' | 'snooze'; workspace_id: string; a: string; b: string | null };

  // Places of their own are looked at beside the shared tables, and so is all that looks at every place: a database that
  // says nothing keeps no other place waiting. Which has not come back from the last look is not looked at again.
  const underWay = new Map<unknown, Promise<void>>();

  function beside(key: unknown, look: () => Promise<unknown>): void {
    if (underWay.has(key)) return;
    const looking = tryTo(look).finally(() => underWay.delete(key));
    underWay.set(key, looking);
  }

  async function sweep(): Promise<void> {
    const [shared, ...elsewhere] = store.places();
    for (const place of elsewhere) beside(place.name, () => sweepPlace(place));
    for (const look of parts.also) beside(look, look);
    if (shared) await sweepPlace(shared);
  }

  async function sweepPlace(place: Place): Promise<void> {
    const { rows } = await place.asSystem((tx) =>
      tx.execute<Row>(sql`
        (select distinct 'thread' as kind, e.workspace_id, e.inbox_id::text as a, e.thread_key as b from inbound_events e
          left join threads t on t.inbox_id = e.inbox_id and t.thread_key = e.thread_key
          where e.processed_at is null and e.dead_at is null and e.received_at < now() - interval '1 second'
            and (t.lease_until is null or t.lease_until < now()) limit ${BATCH})
        union all
        (select distinct 'lane', d.workspace_id, d.thread_id::text, null from deliveries d
          where (d.state = 'pending' and d.next_attempt_at < now() - interval '1 second')
             or (d.state = 'sending' and d.lease_until < now()) limit ${BATCH})
        union all
        (select 'fact', o.workspace_id, o.id::text, null from outbox o
          where o.relayed_at is null and o.created_at < now() - interval '1 second' limit 1)
        union all
        (select 'snooze', c.workspace_id, c.id::text, null from conversations c
          where c.status = 'snoozed' and c.snoozed_until <= now() limit ${BATCH})`),
    );
    for (const row of rows) {
      if (row.kind === 'thread')
        wake.wake(THREAD, writeThreadKey({ workspaceId: row.workspace_id, inboxId: row.a, threadKey: row.b ?? '' }));
      else if (row.kind === 'lane')
        wake.wake(DELIVERY_DUE, writeDeliveryKey({ workspaceId: row.workspace_id, threadId: row.a }));
      else if (row.kind === 'fact') wake.wake(OUTBOX, 'all');
      else await tryTo(() => parts.wakeUp(row.workspace_id, row.a));
    }
  }

  /** One that fails every time keeps no other from being found. */
  async function tryTo(run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      // An outage is told once, by the watch of the server; the next look comes anyway.
      log[isConnectionLoss(error) ? 'debug' : 'error']({ err: error }, 'a part of the sweep failed');
    }
  }

  function schedule(delayMs: number): void {
    if (closed) return;
    timer = setTimeout(() => {
      current = tryTo(sweep).finally(() => schedule(EVERY_MS));
    }, delayMs);
  }

  return {
    sweep,
    /** The first look is at once: an earlier process may have left work. */
    start: () => schedule(0),
    async close(): Promise<void> {
      closed = true;
      clearTimeout(timer);
      await current;
      await Promise.all(underWay.values());
    },
  };
}
