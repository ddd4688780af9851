import { integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, id, workspaceId } from './columns.ts';

export const files = pgTable('files', {
  id: id(),
  workspaceId: workspaceId(),
  name: text('name').notNull(),
  mime: text('mime').notNull(),
  size: integer('size').notNull(),
  sha256: text('sha256').notNull(),
  storageKey: text('storage_key').notNull(),
  conversationId: uuid('conversation_id'),
  createdByType: text('created_by_type').$type<'user' | 'contact' | 'bot'>().notNull(),
  createdById: uuid('created_by_id'),
  createdAt: createdAt(),
});

/** Bytes to be deleted, unless another file has them. */
export const fileRemovals = pgTable('file_removals', {
  storageKey: text('storage_key').primaryKey(),
  workspaceId: workspaceId(),
  createdAt: createdAt(),
});
