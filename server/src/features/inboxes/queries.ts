import { and, asc, count, eq, isNull } from 'drizzle-orm';
import { inboxes } from '../../db/schema/index.ts';
import { notFound } from '../../platform/errors.ts';
import type { Tx } from '../../platform/tenant.ts';
import type { InboxRow } from './present.ts';

/** @throws not-found, also for an inbox of another workspace and for a deleted one */
export async function findInbox(tx: Tx, id: string): Promise<InboxRow> {
  const [row] = await tx
    .select()
    .from(inboxes)
    .where(and(eq(inboxes.id, id), isNull(inboxes.deletedAt)));
  if (!row) throw notFound('The inbox');
  return row;
}

/** Oldest first. */
export async function listInboxes(
  tx: Tx,
  query: { page: number; limit: number },
): Promise<{ rows: InboxRow[]; total: number }> {
  const rows = await tx
    .select()
    .from(inboxes)
    .where(isNull(inboxes.deletedAt))
    .orderBy(asc(inboxes.createdAt), asc(inboxes.id))
    .limit(query.limit)
    .offset((query.page - 1) * query.limit);
  const [all] = await tx.select({ total: count() }).from(inboxes).where(isNull(inboxes.deletedAt));
  return { rows, total: all?.total ?? 0 };
}
