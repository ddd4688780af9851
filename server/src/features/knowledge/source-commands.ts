import { and, eq, isNull } from 'drizzle-orm';
import type { z } from 'zod';
import type { SourceInput, SourcePatch } from '@parley/contract';
import { chunks, sources } from '../../db/schema/index.ts';
import { badRequest, conflict, notFound } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import { recordFacts } from '../../platform/facts/record.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { deleteSourceFiles } from '../files/commands.ts';
import type { SourceRow } from './present.ts';
import { requireKnowledgeBases } from './queries.ts';
import { knowledgeFacts } from './facts.ts';

type Where = { workspaceId: string; knowledgeBaseId: string };
type NewSource = Partial<Pick<SourceRow, 'question' | 'content' | 'url' | 'fileId'>> &
  Pick<SourceRow, 'type' | 'title'>;

async function insertSource(tx: Tx, where: Where, source: NewSource): Promise<SourceRow> {
  await requireKnowledgeBases(tx, [where.knowledgeBaseId]);
  const [row] = await tx
    .insert(sources)
    .values({ ...source, ...where, id: newId(), createdAt: tx.now, updatedAt: tx.now })
    .returning();
  if (!row) throw new Error('a source was not made');
  await recordFacts(tx, [
    knowledgeFacts.make('source.created', {
      workspaceId: where.workspaceId,
      subjectId: row.id,
      payload: { type: row.type },
    }),
  ]);
  return row;
}

/** Becomes the target of a link in answers, so it may not be `javascript:` or the like. */
function webAddress(url: string | undefined): string | null {
  if (url === undefined) return null;
  if (/^https?:$/.test(new URL(url).protocol)) return url;
  throw badRequest('The input is not valid.', [{ field: 'url', message: 'takes an http:// or https:// address' }]);
}

/** @throws not-found when the knowledge base is not of this workspace */
export function addSource(tx: Tx, where: Where, input: SourceInput): Promise<SourceRow> {
  const url = webAddress(input.url);
  return input.type === 'faq'
    ? insertSource(tx, where, {
        type: 'faq',
        title: input.question,
        question: input.question,
        content: input.answer,
        url,
      })
    : insertSource(tx, where, { type: 'snippet', title: input.title, content: input.text, url });
}

/** @throws not-found when the knowledge base is not of this workspace */
export const addDocument = (tx: Tx, where: Where, file: { id: string; name: string }): Promise<SourceRow> =>
  insertSource(tx, where, { type: 'document', title: file.name, fileId: file.id });

async function lockSource(tx: Tx, id: string): Promise<SourceRow> {
  const [row] = await tx
    .select()
    .from(sources)
    .where(and(eq(sources.id, id), isNull(sources.deletedAt)))
    .for('update');
  if (!row) throw notFound('The source');
  return row;
}

/** `contentHash` null: what is searchable is not what stands here, so it is to be read. */
const unread = { status: 'pending', progress: 0, error: null, contentHash: null } as const;

async function update(tx: Tx, row: SourceRow, change: Partial<SourceRow>, fields: string[]): Promise<SourceRow> {
  const [changed] = await tx
    .update(sources)
    .set({ ...change, updatedAt: tx.now })
    .where(eq(sources.id, row.id))
    .returning();
  if (!changed) throw notFound('The source');
  await recordFacts(tx, [
    knowledgeFacts.make('source.changed', { workspaceId: row.workspaceId, subjectId: row.id, payload: { fields } }),
  ]);
  return changed;
}

/** `reads`: whether the source has to be read again. @throws not-found; badRequest for the text of a document */
export async function changeSource(
  tx: Tx,
  id: string,
  patch: z.infer<typeof SourcePatch>,
): Promise<{ row: SourceRow; reads: boolean }> {
  const row = await lockSource(tx, id);
  const isFile = row.type === 'document' || row.type === 'website';
  if (isFile && patch.content !== undefined) {
    throw badRequest('The text of this source is in its file. Upload the changed file instead.', [
      { field: 'content', message: 'cannot be changed here' },
    ]);
  }
  const title = patch.title ?? row.title;
  const content = patch.content ?? row.content;
  if (title === row.title && content === row.content) return { row, reads: false };
  const change = { title, content, ...(row.type === 'faq' ? { question: title } : {}), ...(isFile ? {} : unread) };
  return { row: await update(tx, row, change, Object.keys(patch)), reads: !isFile };
}

/** @throws not-found; conflict while it is being read anyway */
export async function retrySource(tx: Tx, id: string): Promise<SourceRow> {
  const row = await lockSource(tx, id);
  if (row.status === 'pending' || row.status === 'processing') throw conflict('This source is being read already.');
  return update(tx, row, unread, ['status']);
}

/** Nothing of it is found any more. @throws not-found */
export async function deleteSource(tx: Tx, id: string): Promise<void> {
  // The lock first: whoever is reading this source finds it gone when its turn to write comes.
  const row = await lockSource(tx, id);
  await tx.update(sources).set({ deletedAt: tx.now, chunkCount: 0, fileId: null }).where(eq(sources.id, row.id));
  if (row.fileId) await deleteSourceFiles(tx, [row.fileId]);
  await tx.delete(chunks).where(eq(chunks.sourceId, row.id));
  await recordFacts(tx, [knowledgeFacts.make('source.deleted', { workspaceId: row.workspaceId, subjectId: row.id })]);
}
