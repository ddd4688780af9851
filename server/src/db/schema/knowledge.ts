import { integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import type { SourceStatus, SourceType, SourceWarning } from '@parley/contract';
import { createdAt, deletedAt, halfvec, id, updatedAt, workspaceId } from './columns.ts';

export const knowledgeBases = pgTable('knowledge_bases', {
  id: id(),
  workspaceId: workspaceId(),
  name: text('name').notNull(),
  description: text('description').notNull().default(''),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
  deletedAt: deletedAt(),
});

export const sources = pgTable('sources', {
  id: id(),
  workspaceId: workspaceId(),
  knowledgeBaseId: uuid('knowledge_base_id').notNull(),
  type: text('type').$type<SourceType>().notNull(),
  title: text('title').notNull(),
  url: text('url'),
  fileId: uuid('file_id'),
  question: text('question'),
  content: text('content'),
  status: text('status').$type<SourceStatus>().notNull().default('pending'),
  progress: integer('progress').notNull().default(0),
  error: text('error'),
  chunkCount: integer('chunk_count').notNull().default(0),
  contentHash: text('content_hash'),
  wordsRead: integer('words_read'),
  wordsSearchable: integer('words_searchable'),
  warnings: jsonb('warnings').$type<SourceWarning[]>().notNull().default([]),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
  deletedAt: deletedAt(),
});

/** `tsv` is written by a trigger and read only inside SQL, so it is absent here. */
export const chunks = pgTable('chunks', {
  id: id(),
  workspaceId: workspaceId(),
  knowledgeBaseId: uuid('knowledge_base_id').notNull(),
  sourceId: uuid('source_id').notNull(),
  sourceType: text('source_type').$type<SourceType>().notNull(),
  ordinal: integer('ordinal').notNull(),
  title: text('title').notNull(),
  headingPath: text('heading_path').notNull().default(''),
  page: integer('page'),
  text: text('text').notNull(),
  tokens: integer('tokens').notNull(),
  contentHash: text('content_hash').notNull(),
  embedding: halfvec('embedding'),
  embeddingModel: text('embedding_model'),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

export const botKnowledgeBases = pgTable(
  'bot_knowledge_bases',
  {
    workspaceId: workspaceId(),
    botId: uuid('bot_id').notNull(),
    knowledgeBaseId: uuid('knowledge_base_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.botId, table.knowledgeBaseId] })],
);
