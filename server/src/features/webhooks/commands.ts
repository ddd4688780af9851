import { and, eq, sql } from 'drizzle-orm';
import type { WebhookInput, WebhookPatch } from '@parley/contract';
import { webhookDeliveries, webhookEndpoints } from '../../db/schema/index.ts';
import type { Keyring } from '../../platform/security/crypto.ts';
import { badRequest, conflict, notFound } from '../../platform/errors.ts';
import type { Actor } from '../../platform/http/index.ts';
import { newId } from '../../platform/data/ids.ts';
import { recordFacts } from '../../platform/facts/record.ts';
import { RefusedAddressError } from '../../platform/outbound/outside.ts';
import type { Outside } from '../../platform/outbound/outside.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { isMasked, sealAddress, showAddress } from './address.ts';
import { TEST_EVENT } from './events.ts';
import { webhookFacts } from './facts.ts';
import { countWebhooks, findWebhook } from './queries.ts';
import type { DeliveryRow, WebhookRow } from './queries.ts';
import { firstSecret, rotatedSecret } from './secrets.ts';

// Real time (1): schedule of deliveries.

const WEBHOOKS_AT_MOST = 20;

/** @throws bad-request for an address that is refused whatever its name resolves to */
export function requireAddress(outside: Outside, url: string | undefined): void {
  if (url === undefined || isMasked(url)) return;
  try {
    outside.check(url);
  } catch (error) {
    if (!(error instanceof RefusedAddressError)) throw error;
    throw badRequest(error.message, [{ field: 'url', message: 'is refused' }]);
  }
}

/** `secret` is told once and kept sealed. @throws conflict when there are 20 webhooks */
export async function createWebhook(
  tx: Tx,
  actor: Actor,
  keyring: Keyring,
  input: WebhookInput,
): Promise<{ row: WebhookRow; secret: string }> {
  if (isMasked(input.url))
    throw badRequest('The address is masked. Give all of it.', [{ field: 'url', message: 'is masked' }]);
  if ((await countWebhooks(tx)) >= WEBHOOKS_AT_MOST) throw conflict('There are 20 webhooks. Delete one first.');
  const id = newId();
  const { secret, kept } = firstSecret(keyring, id);
  await tx.insert(webhookEndpoints).values({
    id,
    workspaceId: actor.workspaceId,
    url: sealAddress(keyring, id, input.url),
    description: input.description,
    events: [...new Set(input.events)],
    secrets: kept,
    createdBy: actor.userId,
    createdAt: tx.now,
  });
  await recordFacts(tx, [
    webhookFacts.make('webhook.created', { ...of(actor, id), payload: { events: input.events, by: actor.userId } }),
  ]);
  return { row: await findWebhook(tx, id), secret };
}

/** Switching it on again forgets why it was off. @throws not-found */
export async function changeWebhook(
  tx: Tx,
  actor: Actor,
  keyring: Keyring,
  { id, ...patch }: WebhookPatch & { id: string },
): Promise<WebhookRow> {
  const { enabled, events, description } = patch;
  const url = patch.url === undefined ? undefined : await newAddress(tx, keyring, id, patch.url);
  const changed = await tx
    .update(webhookEndpoints)
    .set({
      ...(url === undefined ? {} : { url: sealAddress(keyring, id, url) }),
      ...(description === undefined ? {} : { description }),
      ...(events === undefined ? {} : { events: [...new Set(events)] }),
      ...(enabled === undefined ? {} : { enabled, disabledReason: null }),
      // Another address, or another try, has its own five days.
      ...(enabled || url !== undefined ? { failingSince: null } : {}),
      id,
    })
    .where(eq(webhookEndpoints.id, id))
    .returning({ id: webhookEndpoints.id });
  if (changed.length === 0) throw notFound('The webhook');
  await recordFacts(tx, [
    webhookFacts.make('webhook.changed', {
      ...of(actor, id),
      payload: { fields: Object.keys(patch), by: actor.userId },
    }),
  ]);
  return findWebhook(tx, id);
}

/** Undefined when it is the one that is there, as it is shown. @throws not-found; bad-request for the mask of another one */
async function newAddress(tx: Tx, keyring: Keyring, id: string, url: string): Promise<string | undefined> {
  if (!isMasked(url)) return url;
  const { url: stored } = await findWebhook(tx, id);
  if (showAddress(keyring, id, stored) === url) return undefined;
  throw badRequest('The address is masked. Give all of it.', [{ field: 'url', message: 'is masked' }]);
}

/** With its log. @throws not-found */
export async function deleteWebhook(tx: Tx, actor: Actor, id: string): Promise<void> {
  const deleted = await tx
    .delete(webhookEndpoints)
    .where(eq(webhookEndpoints.id, id))
    .returning({ id: webhookEndpoints.id });
  if (deleted.length === 0) throw notFound('The webhook');
  await tx.delete(webhookDeliveries).where(eq(webhookDeliveries.endpointId, id));
  await recordFacts(tx, [webhookFacts.make('webhook.deleted', { ...of(actor, id), payload: { by: actor.userId } })]);
}

/** The secret of before signs beside the new one for a day. @throws not-found */
export async function rotateSecret(
  tx: Tx,
  actor: Actor,
  keyring: Keyring,
  id: string,
): Promise<{ secret: string; oldSecretUntil: Date }> {
  const [found] = await tx
    .select({ secrets: webhookEndpoints.secrets })
    .from(webhookEndpoints)
    .where(eq(webhookEndpoints.id, id))
    .for('update');
  if (!found) throw notFound('The webhook');
  const { secret, kept, oldSecretUntil } = rotatedSecret(keyring, id, found.secrets);
  await tx.update(webhookEndpoints).set({ secrets: kept }).where(eq(webhookEndpoints.id, id));
  await recordFacts(tx, [
    webhookFacts.make('webhook.secret_rotated', { ...of(actor, id), payload: { by: actor.userId } }),
  ]);
  return { secret, oldSecretUntil };
}

/** An event that tells nothing. @throws not-found; conflict for a webhook that is off */
export async function addTest(tx: Tx, actor: Actor, id: string): Promise<DeliveryRow> {
  await requireEnabled(tx, id);
  const [made] = await tx
    .insert(webhookDeliveries)
    .values({
      id: newId(),
      workspaceId: actor.workspaceId,
      endpointId: id,
      factId: newId(),
      type: TEST_EVENT,
      subjectId: id,
    })
    .returning();
  if (!made) throw new Error('the delivery was not stored');
  return made;
}

/**
 * Sends one again, under the same `webhook-id`, with all its attempts; one that waits is sent now.
 * @throws not-found; conflict for a webhook that is off
 */
export async function replay(tx: Tx, at: { id: string; deliveryId: string }): Promise<DeliveryRow> {
  await requireEnabled(tx, at.id);
  const [again] = await tx
    .update(webhookDeliveries)
    .set({ state: 'pending', attempts: 0, nextAttemptAt: sql`now()`, finishedAt: null })
    .where(and(eq(webhookDeliveries.id, at.deliveryId), eq(webhookDeliveries.endpointId, at.id)))
    .returning();
  if (!again) throw notFound('The delivery');
  return again;
}

async function requireEnabled(tx: Tx, id: string): Promise<void> {
  const { enabled } = await findWebhook(tx, id);
  if (!enabled) throw conflict('This webhook is off. Switch it on first.');
}

const of = (actor: Actor, id: string) => ({ workspaceId: actor.workspaceId, subjectId: id });
