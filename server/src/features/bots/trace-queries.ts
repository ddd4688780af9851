import { and, desc, eq, lt } from 'drizzle-orm';
import { Id } from '@parley/contract';
import type { Trace } from '@parley/contract';
import { traces } from '../../db/schema/index.ts';
import { badCursor, notFound } from '../../platform/errors.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { presentTrace } from './present.ts';

/** @throws not-found, also for a trace of another workspace */
export async function findTrace(tx: Tx, id: string): Promise<Trace> {
  const [row] = await tx.select().from(traces).where(eq(traces.id, id));
  if (!row) throw notFound('The trace');
  return presentTrace(row);
}

/** Newest first; a cursor is the id of the last one shown (ids sort by time). */
export async function listTraces(
  tx: Tx,
  botId: string,
  query: { cursor?: string; limit: number },
): Promise<{ traces: Trace[]; nextCursor: string | null }> {
  if (query.cursor !== undefined && !Id.safeParse(query.cursor).success) throw badCursor();
  const rows = await tx
    .select()
    .from(traces)
    .where(and(eq(traces.botId, botId), query.cursor ? lt(traces.id, query.cursor) : undefined))
    .orderBy(desc(traces.id))
    .limit(query.limit + 1);
  const shown = rows.slice(0, query.limit).map(presentTrace);
  return { traces: shown, nextCursor: rows.length > query.limit ? (shown.at(-1)?.id ?? null) : null };
}
