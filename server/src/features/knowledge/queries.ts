import { and, asc, count, desc, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { DeletionEffect, SourceStatus, SourceType } from '@parley/contract';
import { chunks, knowledgeBases, sources } from '../../db/schema/index.ts';
import { notFound } from '../../platform/errors.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import type { ChunkRow, KnowledgeBaseRow, SourceRow, SourceSummaryRow } from './present.ts';

// Foreign tables: bot_knowledge_bases. A row and what it shows come in one statement.

type Page = { page: number; limit: number };
const offsetOf = ({ page, limit }: Page): number => (page - 1) * limit;

const baseColumns = {
  id: knowledgeBases.id,
  name: knowledgeBases.name,
  description: knowledgeBases.description,
  createdAt: knowledgeBases.createdAt,
  updatedAt: knowledgeBases.updatedAt,
  sourceCount: sql<number>`(select count(*)::int from sources s
    where s.knowledge_base_id = knowledge_bases.id and s.deleted_at is null)`,
  chunkCount: sql<number>`(select coalesce(sum(s.chunk_count), 0)::int from sources s
    where s.knowledge_base_id = knowledge_bases.id and s.deleted_at is null)`,
  botCount: sql<number>`(select count(*)::int from bot_knowledge_bases k where k.knowledge_base_id = knowledge_bases.id)`,
};

/** @throws not-found, also for a knowledge base of another workspace and for a deleted one */
export async function findKnowledgeBase(tx: Tx, id: string): Promise<KnowledgeBaseRow> {
  const [row] = await tx
    .select(baseColumns)
    .from(knowledgeBases)
    .where(and(eq(knowledgeBases.id, id), isNull(knowledgeBases.deletedAt)));
  if (!row) throw notFound('The knowledge base');
  return row;
}

/** Oldest first. */
export async function listKnowledgeBases(tx: Tx, query: Page): Promise<{ rows: KnowledgeBaseRow[]; total: number }> {
  const rows = await tx
    .select(baseColumns)
    .from(knowledgeBases)
    .where(isNull(knowledgeBases.deletedAt))
    .orderBy(asc(knowledgeBases.createdAt), asc(knowledgeBases.id))
    .limit(query.limit)
    .offset(offsetOf(query));
  const [all] = await tx.select({ total: count() }).from(knowledgeBases).where(isNull(knowledgeBases.deletedAt));
  return { rows, total: all?.total ?? 0 };
}

/**
 * Holds that these are knowledge bases of this workspace, and keeps them from being deleted until the end of the
 * transaction. @throws not-found
 */
export async function requireKnowledgeBases(tx: Tx, ids: string[]): Promise<void> {
  const wanted = new Set(ids);
  if (wanted.size === 0) return;
  const rows = await tx
    .select({ id: knowledgeBases.id })
    .from(knowledgeBases)
    .where(and(inArray(knowledgeBases.id, [...wanted]), isNull(knowledgeBases.deletedAt)))
    .for('share');
  if (rows.length < wanted.size) throw notFound('The knowledge base');
}

/** Without the texts: a list of snippets would be megabytes. */
export const summaryColumns = {
  id: sources.id,
  knowledgeBaseId: sources.knowledgeBaseId,
  type: sources.type,
  title: sources.title,
  url: sources.url,
  fileId: sources.fileId,
  status: sources.status,
  progress: sources.progress,
  error: sources.error,
  chunkCount: sources.chunkCount,
  wordsRead: sources.wordsRead,
  wordsSearchable: sources.wordsSearchable,
  warnings: sources.warnings,
  createdAt: sources.createdAt,
  updatedAt: sources.updatedAt,
};

/** @throws not-found, also for a source of another workspace and for a deleted one */
export async function findSource(tx: Tx, id: string): Promise<SourceRow> {
  const [row] = await tx
    .select()
    .from(sources)
    .where(and(eq(sources.id, id), isNull(sources.deletedAt)));
  if (!row) throw notFound('The source');
  return row;
}

/** Newest first. @throws not-found when the knowledge base is not of this workspace */
export async function listSources(
  tx: Tx,
  knowledgeBaseId: string,
  query: Page & { status?: SourceStatus; type?: SourceType },
): Promise<{ rows: SourceSummaryRow[]; total: number }> {
  await findKnowledgeBase(tx, knowledgeBaseId);
  const where = and(
    eq(sources.knowledgeBaseId, knowledgeBaseId),
    isNull(sources.deletedAt),
    query.status ? eq(sources.status, query.status) : undefined,
    query.type ? eq(sources.type, query.type) : undefined,
  );
  const rows = await tx
    .select(summaryColumns)
    .from(sources)
    .where(where)
    .orderBy(desc(sources.createdAt), desc(sources.id))
    .limit(query.limit)
    .offset(offsetOf(query));
  const [all] = await tx.select({ total: count() }).from(sources).where(where);
  return { rows, total: all?.total ?? 0 };
}

/** In the order of the text. @throws not-found when the source is not of this workspace */
export async function listChunks(tx: Tx, sourceId: string, query: Page): Promise<{ rows: ChunkRow[]; total: number }> {
  await findSource(tx, sourceId);
  const { id, ordinal, title, headingPath, page, text, tokens } = chunks;
  const rows = await tx
    .select({ id, sourceId: chunks.sourceId, ordinal, title, headingPath, page, text, tokens })
    .from(chunks)
    .where(eq(chunks.sourceId, sourceId))
    .orderBy(asc(ordinal))
    .limit(query.limit)
    .offset(offsetOf(query));
  const [all] = await tx.select({ total: count() }).from(chunks).where(eq(chunks.sourceId, sourceId));
  return { rows, total: all?.total ?? 0 };
}

/** What goes with a source. @throws not-found */
export async function effectsOfSource(tx: Tx, id: string): Promise<DeletionEffect[]> {
  const { chunkCount, fileId } = await findSource(tx, id);
  return some([
    { what: 'passages', count: chunkCount, becomes: 'deleted' },
    { what: 'files', count: fileId ? 1 : 0, becomes: 'deleted' },
  ]);
}

/** What goes with a knowledge base, and who reads it no longer. @throws not-found */
export async function effectsOfKnowledgeBase(tx: Tx, id: string): Promise<DeletionEffect[]> {
  const { sourceCount, chunkCount, botCount } = await findKnowledgeBase(tx, id);
  const [counted] = await tx
    .select({ files: count(sources.fileId) })
    .from(sources)
    .where(and(eq(sources.knowledgeBaseId, id), isNull(sources.deletedAt)));
  return some([
    { what: 'sources', count: sourceCount, becomes: 'deleted' },
    { what: 'passages', count: chunkCount, becomes: 'deleted' },
    { what: 'files', count: counted?.files ?? 0, becomes: 'deleted' },
    { what: 'bots', count: botCount, becomes: 'detached' },
  ]);
}

const some = (effects: DeletionEffect[]): DeletionEffect[] => effects.filter((effect) => effect.count > 0);
