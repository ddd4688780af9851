import type { MailItem, MailTemplate } from '@parley/contract';
import { integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, id, moment } from '../../db/schema/columns.ts';

export const mails = pgTable('mails', {
  id: id(),
  template: text('template').$type<MailTemplate>().notNull(),
  language: text('language').notNull(),
  recipient: text('recipient').notNull(),
  content: text('content'),
  state: text('state').$type<MailItem['state']>().notNull().default('waiting'),
  tries: integer('tries').notNull().default(0),
  nextAttemptAt: moment('next_attempt_at').notNull(),
  leaseUntil: moment('lease_until'),
  leaseToken: uuid('lease_token'),
  error: text('error').$type<NonNullable<MailItem['error']>>(),
  detail: text('detail'),
  createdAt: createdAt(),
  expiresAt: moment('expires_at').notNull(),
  finishedAt: moment('finished_at'),
});
export type MailRow = typeof mails.$inferSelect;
