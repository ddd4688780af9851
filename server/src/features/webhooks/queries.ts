import { asc, count, desc, eq, sql } from 'drizzle-orm';
import { webhookDeliveries, webhookEndpoints } from '../../db/schema/index.ts';
import { notFound } from '../../platform/errors.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { findNames } from '../members/queries.ts';

export type DeliveryRow = typeof webhookDeliveries.$inferSelect;
/** With its last delivery and the name of whoever made it. */
export type WebhookRow = Omit<typeof webhookEndpoints.$inferSelect, 'createdBy' | 'secrets' | 'workspaceId'> & {
  createdBy: { id: string; name: string };
  lastDelivery: DeliveryRow | null;
};

type Page = { page: number; limit: number };

/** Oldest first. */
export async function listWebhooks(tx: Tx, { page, limit }: Page): Promise<{ rows: WebhookRow[]; total: number }> {
  const found = await tx
    .select()
    .from(webhookEndpoints)
    .orderBy(asc(webhookEndpoints.createdAt), asc(webhookEndpoints.id))
    .limit(limit)
    .offset((page - 1) * limit);
  return { rows: await withMore(tx, found), total: await countWebhooks(tx) };
}

/** @throws not-found, also for one of another workspace */
export async function findWebhook(tx: Tx, id: string): Promise<WebhookRow> {
  const [row] = await withMore(tx, await tx.select().from(webhookEndpoints).where(eq(webhookEndpoints.id, id)));
  if (!row) throw notFound('The webhook');
  return row;
}

export async function countWebhooks(tx: Tx): Promise<number> {
  const [counted] = await tx.select({ total: count() }).from(webhookEndpoints);
  return counted?.total ?? 0;
}

async function withMore(tx: Tx, found: (typeof webhookEndpoints.$inferSelect)[]): Promise<WebhookRow[]> {
  if (found.length === 0) return [];
  const { id, createdAt } = webhookDeliveries;
  const ids = found.map((webhook) => webhook.id);
  const latest = await tx
    .select()
    .from(webhookDeliveries)
    .where(
      sql`${id} in (select l.id from unnest(${sql.param(ids)}::uuid[]) as e(id) cross join lateral (
        select d.id from webhook_deliveries d where d.endpoint_id = e.id order by d.created_at desc, d.id desc limit 1) l)`,
    )
    .orderBy(desc(createdAt));
  const names = await findNames(tx, [...new Set(found.map((webhook) => webhook.createdBy))]);
  return found.map(({ secrets: _secrets, workspaceId: _workspaceId, createdBy, ...webhook }) => ({
    ...webhook,
    createdBy: { id: createdBy, name: names.get(createdBy) ?? '' },
    lastDelivery: latest.find((delivery) => delivery.endpointId === webhook.id) ?? null,
  }));
}

/** The newest first. @throws not-found for a webhook of another workspace */
export async function listDeliveries(
  tx: Tx,
  webhookId: string,
  { page, limit }: Page,
): Promise<{ rows: DeliveryRow[]; total: number }> {
  await findWebhook(tx, webhookId);
  const ofWebhook = eq(webhookDeliveries.endpointId, webhookId);
  const rows = await tx
    .select()
    .from(webhookDeliveries)
    .where(ofWebhook)
    .orderBy(desc(webhookDeliveries.createdAt), desc(webhookDeliveries.id))
    .limit(limit)
    .offset((page - 1) * limit);
  const [counted] = await tx.select({ total: count() }).from(webhookDeliveries).where(ofWebhook);
  return { rows, total: counted?.total ?? 0 };
}

/** Under which name calls to an endpoint are counted, and stopped while it is ill. */
export const targetOf = (endpointId: string): string => `webhook:endpoint:${endpointId}`;

/** Of everything that was called, the workspace's own endpoints. */
export async function ownTargets<T>(tx: Tx, targets: Record<string, T>): Promise<Record<string, T>> {
  const rows = await tx.select({ id: webhookEndpoints.id }).from(webhookEndpoints);
  return Object.fromEntries(
    rows.flatMap(({ id }) => {
      const found = targets[targetOf(id)];
      return found === undefined ? [] : [[targetOf(id), found]];
    }),
  );
}
