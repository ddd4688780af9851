import { eq, sql } from 'drizzle-orm';
import { webhookDeliveries, webhookEndpoints } from '../../db/schema/index.ts';
import type { CommittedFact } from '../../platform/facts/define.ts';
import type { Keyring } from '../../platform/security/crypto.ts';
import { newId } from '../../platform/data/ids.ts';
import type { DefinedQueue } from '../../platform/jobs/jobs.ts';
import type { Place, Store } from '../../platform/data/tenant.ts';
import { resealed } from './address.ts';
import { eventOf } from './events.ts';
import type { WebhookToSend } from './send.ts';

// Real time (4): schedule of deliveries and their log.

/** What nobody has sent for so long after its time is found again: its job may be lost. */
const FORGOTTEN_AFTER_S = 15;
const LOOK_AT_MOST = 200;
const KEPT_DAYS = 30;
const TRIM_EVERY_MS = 3_600_000;
const TRIM_AT_ONCE = 5_000;

/** Makes deliveries of facts, and finds those whose jobs are lost. */
export function createDeliveryWriter({
  store,
  queue,
  keyring,
}: {
  store: Store;
  queue: DefinedQueue<WebhookToSend>;
  keyring: Keyring;
}) {
  let trimmedAt = 0;

  /** One place that fails keeps no other from its turn. */
  async function everywhere(work: (place: Place) => Promise<unknown>): Promise<void> {
    const ended = await Promise.allSettled(store.places().map(work));
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async function findForgotten(place: Place): Promise<void> {
    const { rows } = await place.asSystem((tx) =>
      tx.execute<{ id: string; workspace_id: string }>(sql`
        select id, workspace_id from webhook_deliveries
        where state = 'pending' and next_attempt_at < now() - make_interval(secs => ${FORGOTTEN_AFTER_S})
        order by next_attempt_at limit ${LOOK_AT_MOST}`),
    );
    for (const { id, workspace_id: workspaceId } of rows) await queue.add({ workspaceId, deliveryId: id }, { key: id });
  }

  const trim = (place: Place): Promise<unknown> =>
    place.asSystem((tx) =>
      tx.execute(sql`
        delete from webhook_deliveries where id = any(array(
          select id from webhook_deliveries where created_at < now() - make_interval(days => ${KEPT_DAYS}) limit ${TRIM_AT_ONCE}))`),
    );

  /** Addresses that an earlier version kept in plain text, or that are under an older key. */
  async function seal(place: Place): Promise<void> {
    const { rows } = await place.asSystem((tx) =>
      tx.execute<{ workspace_id: string }>(sql`select distinct workspace_id from webhook_endpoints`),
    );
    for (const { workspace_id: workspaceId } of rows)
      await store.inWorkspace(workspaceId, async (tx) => {
        const { id, url } = webhookEndpoints;
        const found = await tx.select({ id, url }).from(webhookEndpoints).for('update');
        for (const one of found) {
          const sealed = resealed(keyring, one.id, one.url);
          if (sealed !== undefined) await tx.update(webhookEndpoints).set({ url: sealed }).where(eq(id, one.id));
        }
      });
  }

  return {
    /** Makes a delivery for each endpoint that wants to hear of the fact. Doing it again adds nothing. */
    async tell(fact: CommittedFact): Promise<void> {
      const { id: factId, workspaceId, subjectId } = fact;
      const type = eventOf(fact);
      if (!type) return;
      const made = await store.inWorkspace(workspaceId, async (tx) => {
        const endpoints = await tx
          .select({ id: webhookEndpoints.id })
          .from(webhookEndpoints)
          .where(sql`enabled and (events = '{}' or ${type} = any(events))`);
        if (endpoints.length === 0) return [];
        return tx
          .insert(webhookDeliveries)
          .values(
            endpoints.map((endpoint) => ({
              id: newId(),
              workspaceId,
              endpointId: endpoint.id,
              factId,
              type,
              subjectId,
              detail: fact.payload,
            })),
          )
          .onConflictDoNothing()
          .returning({ id: webhookDeliveries.id });
      });
      for (const { id } of made) await queue.add({ workspaceId, deliveryId: id }, { jobId: `${id}-0` });
    },
    /** Finds forgotten deliveries, forgets old ones, and seals addresses that are not. May be called often: it looks every ten seconds. */
    async look(): Promise<void> {
      await everywhere(findForgotten);
      if (Date.now() - trimmedAt < TRIM_EVERY_MS) return;
      trimmedAt = Date.now();
      await everywhere(trim);
      await everywhere(seal);
    },
  };
}
