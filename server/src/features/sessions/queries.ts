import { and, eq, isNull } from 'drizzle-orm';
import { sessions } from '../../db/schema/index.ts';
import type { Tx } from '../../platform/data/tenant.ts';

/** In a transaction of `asSystem`: whether the session is this person's and was not revoked. */
export async function isSessionOpen(tx: Tx, sessionId: string, userId: string): Promise<boolean> {
  const rows = await tx
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.id, sessionId), eq(sessions.userId, userId), isNull(sessions.revokedAt)));
  return rows.length > 0;
}
