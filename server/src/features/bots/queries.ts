import { and, asc, count, eq, getTableColumns, isNull, sql } from 'drizzle-orm';
import type { Bot } from '@parley/contract';
import { bots } from '../../db/schema/index.ts';
import { notFound } from '../../platform/errors.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { presentBot } from './present.ts';

// Foreign tables: knowledge_bases. A row and what it shows come in one statement.

const columns = {
  ...getTableColumns(bots),
  knowledgeBaseIds: sql<string[]>`array(
    select k.knowledge_base_id from bot_knowledge_bases k join knowledge_bases b on b.id = k.knowledge_base_id
    where k.bot_id = bots.id and b.deleted_at is null order by k.knowledge_base_id)`,
};

/** @throws not-found, also for a bot of another workspace and for a deleted one */
export async function findBot(tx: Tx, id: string): Promise<Bot> {
  const [row] = await tx
    .select(columns)
    .from(bots)
    .where(and(eq(bots.id, id), isNull(bots.deletedAt)));
  if (!row) throw notFound('The bot');
  return presentBot(row);
}

/** Oldest first: a list people know by place does not jump. */
export async function listBots(
  tx: Tx,
  query: { page: number; limit: number },
): Promise<{ bots: Bot[]; total: number }> {
  const rows = await tx
    .select(columns)
    .from(bots)
    .where(isNull(bots.deletedAt))
    .orderBy(asc(bots.createdAt), asc(bots.id))
    .limit(query.limit)
    .offset((query.page - 1) * query.limit);
  const [all] = await tx.select({ total: count() }).from(bots).where(isNull(bots.deletedAt));
  return { bots: rows.map(presentBot), total: all?.total ?? 0 };
}
