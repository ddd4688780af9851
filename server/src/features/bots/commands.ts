import { and, eq, isNull } from 'drizzle-orm';
import type { Bot, BotInput, BotPatch } from '@parley/contract';
import { botKnowledgeBases, bots, traces } from '../../db/schema/index.ts';
import type { TraceRecord } from '../../db/schema/index.ts';
import { notFound } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import { recordFacts } from '../../platform/facts/record.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { forgetBot } from '../conversations/commands.ts';
import { detachBot } from '../inboxes/commands.ts';
import { requireKnowledgeBases } from '../knowledge/queries.ts';
import { findBot } from './queries.ts';
import { botFacts } from './facts.ts';

/** The knowledge bases a bot reads become exactly these. @throws not-found for one of another workspace */
async function linkKnowledge(tx: Tx, workspaceId: string, botId: string, ids: string[]): Promise<void> {
  const wanted = [...new Set(ids)];
  await requireKnowledgeBases(tx, wanted);
  await tx.delete(botKnowledgeBases).where(eq(botKnowledgeBases.botId, botId));
  if (wanted.length === 0) return;
  await tx
    .insert(botKnowledgeBases)
    .values(wanted.map((knowledgeBaseId) => ({ workspaceId, botId, knowledgeBaseId })))
    .onConflictDoNothing();
}

/** @throws not-found when a knowledge base is not of this workspace */
export async function createBot(tx: Tx, workspaceId: string, input: BotInput): Promise<Bot> {
  const { knowledgeBaseIds, ...fields } = input;
  const id = newId();
  await tx.insert(bots).values({ ...fields, id, workspaceId, createdAt: tx.now, updatedAt: tx.now });
  await linkKnowledge(tx, workspaceId, id, knowledgeBaseIds);
  await recordFacts(tx, [botFacts.make('bot.created', { workspaceId, subjectId: id, payload: { name: input.name } })]);
  return findBot(tx, id);
}

/** @throws not-found */
export async function changeBot(tx: Tx, workspaceId: string, id: string, patch: BotPatch): Promise<Bot> {
  const { knowledgeBaseIds, ...fields } = patch;
  // The row's lock also keeps two changes of its knowledge apart.
  const [row] = await tx
    .update(bots)
    .set({ ...fields, updatedAt: tx.now })
    .where(and(eq(bots.id, id), isNull(bots.deletedAt)))
    .returning({ id: bots.id });
  if (!row) throw notFound('The bot');
  if (knowledgeBaseIds) await linkKnowledge(tx, workspaceId, row.id, knowledgeBaseIds);
  await recordFacts(tx, [
    botFacts.make('bot.changed', { workspaceId, subjectId: row.id, payload: { fields: Object.keys(patch) } }),
  ]);
  return findBot(tx, row.id);
}

/** The bot falls silent: its inboxes have no bot from here on. Returns those inboxes' ids. @throws not-found */
export async function deleteBot(tx: Tx, workspaceId: string, id: string): Promise<{ id: string; inboxIds: string[] }> {
  const [row] = await tx
    .update(bots)
    .set({ deletedAt: tx.now })
    .where(and(eq(bots.id, id), isNull(bots.deletedAt)))
    .returning({ id: bots.id });
  if (!row) throw notFound('The bot');
  await tx.delete(botKnowledgeBases).where(eq(botKnowledgeBases.botId, row.id));
  const inboxIds = await detachBot(tx, row.id);
  await forgetBot(tx, row.id);
  await recordFacts(tx, [botFacts.make('bot.deleted', { workspaceId, subjectId: row.id })]);
  return { id: row.id, inboxIds };
}

/** No bot reads this knowledge base any more. Returns the bots that did. */
export async function detachKnowledgeBase(tx: Tx, knowledgeBaseId: string): Promise<string[]> {
  const rows = await tx
    .delete(botKnowledgeBases)
    .where(eq(botKnowledgeBases.knowledgeBaseId, knowledgeBaseId))
    .returning({ botId: botKnowledgeBases.botId });
  return rows.map((row) => row.botId);
}

export type NewTrace = {
  id?: string;
  workspaceId: string;
  botId: string | null;
  conversationId?: string | null;
  turnId?: string | null;
  question: string;
  record: TraceRecord;
};

/** Keeps the record of one answer; returns its id. An id given twice is kept once: a restarted turn writes one trace. */
export async function recordTrace(tx: Tx, trace: NewTrace): Promise<string> {
  const id = trace.id ?? newId();
  await tx
    .insert(traces)
    .values({ ...trace, id, createdAt: tx.now })
    .onConflictDoNothing();
  return id;
}
