import type { Chunk, KnowledgeBase, SearchHit, Source, SourceDetail } from '@parley/contract';
import { sharesOf } from '../../ai/retrieval.ts';
import type { Passage } from '../../ai/retrieval.ts';
import type { chunks, knowledgeBases, sources } from '../../db/schema/index.ts';

export type KnowledgeBaseRow = Omit<typeof knowledgeBases.$inferSelect, 'workspaceId' | 'deletedAt'> & {
  sourceCount: number;
  chunkCount: number;
  botCount: number;
};
export type SourceRow = typeof sources.$inferSelect;
export type SourceSummaryRow = Omit<SourceRow, 'content' | 'question' | 'contentHash' | 'workspaceId' | 'deletedAt'>;
export type ChunkRow = Pick<
  typeof chunks.$inferSelect,
  'id' | 'sourceId' | 'ordinal' | 'title' | 'headingPath' | 'page' | 'text' | 'tokens'
>;

export const presentKnowledgeBase = (row: KnowledgeBaseRow): KnowledgeBase => ({
  id: row.id,
  name: row.name,
  description: row.description,
  sourceCount: row.sourceCount,
  chunkCount: row.chunkCount,
  botCount: row.botCount,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});

export const presentSource = (row: SourceSummaryRow): Source => ({
  id: row.id,
  knowledgeBaseId: row.knowledgeBaseId,
  type: row.type,
  title: row.title,
  url: row.url,
  fileId: row.fileId,
  status: row.status,
  progress: row.progress,
  error: row.error,
  chunkCount: row.chunkCount,
  words:
    row.wordsRead === null || row.wordsSearchable === null
      ? null
      : { read: row.wordsRead, searchable: row.wordsSearchable },
  warnings: row.warnings,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});

export const presentSourceDetail = (row: SourceRow): SourceDetail => ({
  ...presentSource(row),
  question: row.question,
  content: row.content,
});

export const presentChunk = (row: ChunkRow): Chunk => ({
  id: row.id,
  sourceId: row.sourceId,
  ordinal: row.ordinal,
  title: row.title,
  headingPath: row.headingPath,
  page: row.page,
  text: row.text,
  tokens: row.tokens,
});

export const presentHit = (passage: Passage): SearchHit => ({
  chunkId: passage.chunkId,
  sourceId: passage.sourceId,
  sourceType: passage.sourceType,
  title: passage.title,
  headingPath: passage.headingPath.join(' › '),
  text: passage.text,
  ...sharesOf(passage),
});
