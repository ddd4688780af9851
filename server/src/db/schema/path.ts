import { sql } from 'drizzle-orm';
import { bigint, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, id, moment, workspaceId } from './columns.ts';

/** The path of a message: mailbox, inbound events, turns, deliveries, facts. */

export const threads = pgTable('threads', {
  id: id(),
  workspaceId: workspaceId(),
  inboxId: uuid('inbox_id').notNull(),
  threadKey: text('thread_key').notNull(),
  contactId: uuid('contact_id'),
  leaseToken: bigint('lease_token', { mode: 'number' }).notNull().default(0),
  leaseHolder: uuid('lease_holder'),
  leaseUntil: moment('lease_until'),
  wakes: bigint('wakes', { mode: 'number' }).notNull().default(0),
  createdAt: createdAt(),
});

export const inboundEvents = pgTable('inbound_events', {
  id: id(),
  seq: bigint('seq', { mode: 'number' })
    .notNull()
    .default(sql`nextval('inbound_events_seq')`),
  workspaceId: workspaceId(),
  inboxId: uuid('inbox_id').notNull(),
  threadKey: text('thread_key').notNull(),
  platformId: text('platform_id').notNull(),
  kind: text('kind').notNull(),
  payload: jsonb('payload').notNull(),
  requestId: text('request_id'),
  attempts: integer('attempts').notNull().default(0),
  error: text('error'),
  receivedAt: moment('received_at').notNull().defaultNow(),
  processedAt: moment('processed_at'),
  deadAt: moment('dead_at'),
});

/** What platforms sent under which id: taken once, also when it is sent again. */
export const inboundIds = pgTable(
  'inbound_ids',
  {
    workspaceId: workspaceId(),
    inboxId: uuid('inbox_id').notNull(),
    platformId: text('platform_id').notNull(),
    eventId: uuid('event_id').notNull(),
    receivedAt: moment('received_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.inboxId, table.platformId] })],
);

export type TurnStatus = 'running' | 'answered' | 'handed_off' | 'silent' | 'stopped' | 'failed';

export const turns = pgTable('turns', {
  id: id(),
  workspaceId: workspaceId(),
  conversationId: uuid('conversation_id').notNull(),
  threadId: uuid('thread_id').notNull(),
  botId: uuid('bot_id'),
  lastEventSeq: bigint('last_event_seq', { mode: 'number' }).notNull(),
  leaseToken: bigint('lease_token', { mode: 'number' }).notNull(),
  status: text('status').$type<TurnStatus>().notNull(),
  handler: text('handler').notNull().default(''),
  attempts: integer('attempts').notNull().default(1),
  error: text('error'),
  requestId: text('request_id'),
  startedAt: moment('started_at').notNull().defaultNow(),
  finishedAt: moment('finished_at'),
});

export const deliveries = pgTable('deliveries', {
  id: id(),
  workspaceId: workspaceId(),
  inboxId: uuid('inbox_id').notNull(),
  threadId: uuid('thread_id').notNull(),
  conversationId: uuid('conversation_id').notNull(),
  messageId: uuid('message_id').notNull(),
  seq: bigint('seq', { mode: 'number' }).generatedAlwaysAsIdentity(),
  state: text('state').$type<'pending' | 'sending' | 'sent' | 'failed'>().notNull().default('pending'),
  attempts: integer('attempts').notNull().default(0),
  nextAttemptAt: moment('next_attempt_at').notNull().defaultNow(),
  leaseToken: bigint('lease_token', { mode: 'number' }).notNull().default(0),
  leaseUntil: moment('lease_until'),
  platformIds: text('platform_ids').array().notNull().default([]),
  error: text('error'),
  requestId: text('request_id'),
  createdAt: createdAt(),
  finishedAt: moment('finished_at'),
});

export const outbox = pgTable('outbox', {
  id: id(),
  seq: bigint('seq', { mode: 'number' }).generatedAlwaysAsIdentity(),
  workspaceId: workspaceId(),
  type: text('type').notNull(),
  subjectId: uuid('subject_id').notNull(),
  payload: jsonb('payload').$type<Record<string, unknown>>().notNull().default({}),
  requestId: text('request_id'),
  createdAt: createdAt(),
  relayedAt: moment('relayed_at'),
});
