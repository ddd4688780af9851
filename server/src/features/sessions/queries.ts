import { and, desc, eq, exists, gt, isNull, sql } from 'drizzle-orm';
import { refreshTokens, sessions } from '../../db/schema/index.ts';
import type { Tx } from '../../platform/data/tenant.ts';

// Real time (2): lifetimes of logins.

/** All of these take a transaction of `asSystem`: logins belong to people, not to workspaces. */

/** The session, if it is this person's and was not revoked; and whether its use was written down within the last minute. */
export async function findOpenSession(
  tx: Tx,
  sessionId: string,
  userId: string,
): Promise<{ usedLately: boolean } | undefined> {
  const [found] = await tx
    .select({ usedLately: sql<boolean>`${sessions.lastSeenAt} > now() - interval '1 minute'` })
    .from(sessions)
    .where(and(eq(sessions.id, sessionId), eq(sessions.userId, userId), isNull(sessions.revokedAt)));
  return found;
}

export type SessionRow = typeof sessions.$inferSelect;

/** Sessions somebody can go on with, the last used first. */
export async function listOpenSessions(
  tx: Tx,
  userId: string,
  { page, limit }: { page: number; limit: number },
): Promise<{ rows: SessionRow[]; total: number }> {
  const isOpen = and(
    eq(sessions.userId, userId),
    isNull(sessions.revokedAt),
    exists(
      tx
        .select({ id: refreshTokens.id })
        .from(refreshTokens)
        .where(
          and(
            eq(refreshTokens.sessionId, sessions.id),
            isNull(refreshTokens.usedAt),
            gt(refreshTokens.expiresAt, sql`now()`),
          ),
        ),
    ),
  );
  const rows = await tx
    .select()
    .from(sessions)
    .where(isOpen)
    .orderBy(desc(sessions.lastSeenAt), desc(sessions.id))
    .limit(limit)
    .offset((page - 1) * limit);
  return { rows, total: await tx.$count(sessions, isOpen) };
}
