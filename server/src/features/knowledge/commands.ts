import { and, eq, isNull } from 'drizzle-orm';
import type { z } from 'zod';
import type { KnowledgeBaseInput, KnowledgeBasePatch } from '@parley/contract';
import { chunks, knowledgeBases, sources } from '../../db/schema/index.ts';
import { notFound } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import { recordFacts } from '../../platform/facts/record.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { detachKnowledgeBase } from '../bots/commands.ts';
import { deleteSourceFiles } from '../files/commands.ts';
import type { KnowledgeBaseRow } from './present.ts';
import { findKnowledgeBase } from './queries.ts';
import { knowledgeFacts } from './facts.ts';

export async function createKnowledgeBase(
  tx: Tx,
  workspaceId: string,
  input: z.infer<typeof KnowledgeBaseInput>,
): Promise<KnowledgeBaseRow> {
  const id = newId();
  await tx.insert(knowledgeBases).values({ ...input, id, workspaceId, createdAt: tx.now, updatedAt: tx.now });
  await recordFacts(tx, [knowledgeFacts.make('knowledge_base.created', { workspaceId, subjectId: id })]);
  return findKnowledgeBase(tx, id);
}

/** @throws not-found */
export async function changeKnowledgeBase(
  tx: Tx,
  id: string,
  patch: z.infer<typeof KnowledgeBasePatch>,
): Promise<KnowledgeBaseRow> {
  const [row] = await tx
    .update(knowledgeBases)
    .set({ ...patch, updatedAt: tx.now })
    .where(and(eq(knowledgeBases.id, id), isNull(knowledgeBases.deletedAt)))
    .returning({ id: knowledgeBases.id });
  if (!row) throw notFound('The knowledge base');
  return findKnowledgeBase(tx, row.id);
}

/**
 * Nothing of it is found any more, by any bot. Returns the bots that read it.
 * A source being read at the moment notices: it looks at its row under a lock before it writes.
 * @throws not-found
 */
export async function deleteKnowledgeBase(tx: Tx, workspaceId: string, id: string): Promise<{ botIds: string[] }> {
  const deletedAt = tx.now;
  const [row] = await tx
    .update(knowledgeBases)
    .set({ deletedAt })
    .where(and(eq(knowledgeBases.id, id), isNull(knowledgeBases.deletedAt)))
    .returning({ id: knowledgeBases.id });
  if (!row) throw notFound('The knowledge base');
  const ofBase = and(eq(sources.knowledgeBaseId, row.id), isNull(sources.deletedAt));
  const read = await tx.select({ fileId: sources.fileId }).from(sources).where(ofBase).for('update');
  await tx.update(sources).set({ deletedAt, chunkCount: 0, fileId: null }).where(ofBase);
  await deleteSourceFiles(
    tx,
    read.flatMap(({ fileId }) => fileId ?? []),
  );
  await tx.delete(chunks).where(eq(chunks.knowledgeBaseId, row.id));
  const botIds = await detachKnowledgeBase(tx, row.id);
  await recordFacts(tx, [knowledgeFacts.make('knowledge_base.deleted', { workspaceId, subjectId: row.id })]);
  return { botIds };
}
