import type { Webhook, WebhookDelivery } from '@parley/contract';
import type { Keyring } from '../../platform/security/crypto.ts';
import { showAddress } from './address.ts';
import type { DeliveryRow, WebhookRow } from './queries.ts';

/** As `webhook-id` carries it. */
export const eventIdOf = (factId: string): string => `msg_${factId.replaceAll('-', '')}`;

export const presentDelivery = (row: DeliveryRow): WebhookDelivery => ({
  id: row.id,
  eventId: eventIdOf(row.factId),
  type: row.type,
  state: row.state,
  attempts: row.attempts,
  status: row.status,
  error: row.error,
  responseMs: row.responseMs,
  nextAttemptAt: row.state === 'pending' ? row.nextAttemptAt.toISOString() : null,
  createdAt: row.createdAt.toISOString(),
  finishedAt: row.finishedAt?.toISOString() ?? null,
});

/** With its address masked. */
export const presentWebhook = (keyring: Keyring, row: WebhookRow): Webhook => ({
  id: row.id,
  url: showAddress(keyring, row.id, row.url),
  description: row.description,
  events: row.events,
  enabled: row.enabled,
  disabledReason: row.disabledReason,
  failingSince: row.failingSince?.toISOString() ?? null,
  lastDelivery: row.lastDelivery && presentDelivery(row.lastDelivery),
  createdBy: row.createdBy,
  createdAt: row.createdAt.toISOString(),
});
