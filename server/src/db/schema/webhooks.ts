import { boolean, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import type { WebhookDeliveryState, WebhookEvent } from '@parley/contract';
import { createdAt, id, moment, workspaceId } from './columns.ts';

/** Sealed; `until` is set for one that was replaced, in ISO 8601. */
export type SealedSecret = { sealed: string; until: string | null };

export const webhookEndpoints = pgTable('webhook_endpoints', {
  id: id(),
  workspaceId: workspaceId(),
  /** sealed; plain in rows an earlier version made, until they are found */
  url: text('url').notNull(),
  description: text('description').notNull().default(''),
  events: text('events').array().$type<WebhookEvent[]>().notNull().default([]),
  secrets: jsonb('secrets').$type<SealedSecret[]>().notNull(),
  enabled: boolean('enabled').notNull().default(true),
  disabledReason: text('disabled_reason'),
  failingSince: moment('failing_since'),
  createdBy: uuid('created_by').notNull(),
  createdAt: createdAt(),
});

export const webhookDeliveries = pgTable('webhook_deliveries', {
  id: id(),
  workspaceId: workspaceId(),
  endpointId: uuid('endpoint_id').notNull(),
  factId: uuid('fact_id').notNull(),
  type: text('type').notNull(),
  subjectId: uuid('subject_id').notNull(),
  detail: jsonb('detail').$type<Record<string, unknown>>().notNull().default({}),
  state: text('state').$type<WebhookDeliveryState>().notNull().default('pending'),
  attempts: integer('attempts').notNull().default(0),
  nextAttemptAt: moment('next_attempt_at').notNull().defaultNow(),
  leaseUntil: moment('lease_until'),
  status: integer('status'),
  error: text('error'),
  responseMs: integer('response_ms'),
  createdAt: createdAt(),
  finishedAt: moment('finished_at'),
});
