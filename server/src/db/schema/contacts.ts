import { boolean, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, deletedAt, id, moment, workspaceId } from './columns.ts';

export const contacts = pgTable('contacts', {
  id: id(),
  workspaceId: workspaceId(),
  name: text('name').notNull(),
  email: text('email'),
  phone: text('phone'),
  language: text('language'),
  tier: text('tier').notNull().default('standard'),
  attributes: jsonb('attributes').$type<Record<string, unknown>>().notNull().default({}),
  /** what pages said of the person without proof */
  unverified: jsonb('unverified').$type<Record<string, string>>().notNull().default({}),
  notes: text('notes').notNull().default(''),
  createdAt: createdAt(),
  lastSeenAt: moment('last_seen_at').notNull().defaultNow(),
  deletedAt: deletedAt(),
});

export const contactIdentities = pgTable('contact_identities', {
  id: id(),
  workspaceId: workspaceId(),
  contactId: uuid('contact_id').notNull(),
  inboxId: uuid('inbox_id').notNull(),
  externalId: text('external_id').notNull(),
  profile: jsonb('profile').$type<Record<string, unknown>>().notNull().default({}),
  reachable: boolean('reachable').notNull().default(true),
  /** the id the embedding site knows the person by, proven by its signature */
  userId: text('user_id'),
  /** since when a visitor's token is void */
  endedAt: moment('ended_at'),
  createdAt: createdAt(),
});
