import { and, eq, inArray, isNull, lt, ne, sql } from 'drizzle-orm';
import { refreshTokens, sessions } from '../../db/schema/index.ts';
import { hashToken, newId } from '../../platform/data/ids.ts';
import type { Tx } from '../../platform/data/tenant.ts';

// Real time (5): lifetimes of logins.

/** All of these take a transaction of `asSystem`: logins belong to people, not to workspaces. */

export type Device = { userAgent: string | null; ip: string | null };

/** What nobody can go on with for a month is forgotten; the used tokens of younger sessions still tell a thief. */
async function forgetOldSessions(tx: Tx, userId: string): Promise<void> {
  const old = await tx
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.userId, userId), lt(sessions.lastSeenAt, sql`now() - make_interval(days => 30)`)));
  const ids = old.map(({ id }) => id);
  if (ids.length === 0) return;
  await tx.delete(refreshTokens).where(inArray(refreshTokens.sessionId, ids));
  await tx.delete(sessions).where(inArray(sessions.id, ids));
}

/** Its id. It goes on with the token of `addRefreshToken`. */
export async function startSession(tx: Tx, userId: string, device: Device): Promise<string> {
  await forgetOldSessions(tx, userId);
  const sessionId = newId();
  await tx.insert(sessions).values({ id: sessionId, userId, ...device });
  return sessionId;
}

/** False when it was revoked before. */
export async function revokeSession(tx: Tx, sessionId: string, reason: string): Promise<boolean> {
  const revoked = await tx
    .update(sessions)
    .set({ revokedAt: sql`now()`, revokedReason: reason })
    .where(and(eq(sessions.id, sessionId), isNull(sessions.revokedAt)))
    .returning({ id: sessions.id });
  return revoked.length > 0;
}

/** Ends one of somebody's sessions. False when it is not theirs, or ended before. */
export async function endOwnSession(tx: Tx, userId: string, sessionId: string): Promise<boolean> {
  const ended = await tx
    .update(sessions)
    .set({ revokedAt: sql`now()`, revokedReason: 'ended by its owner' })
    .where(and(eq(sessions.id, sessionId), eq(sessions.userId, userId), isNull(sessions.revokedAt)))
    .returning({ id: sessions.id });
  return ended.length > 0;
}

/** Their ids. */
export async function endOtherSessions(tx: Tx, userId: string, keptId: string, reason: string): Promise<string[]> {
  const ended = await tx
    .update(sessions)
    .set({ revokedAt: sql`now()`, revokedReason: reason })
    .where(and(eq(sessions.userId, userId), ne(sessions.id, keptId), isNull(sessions.revokedAt)))
    .returning({ id: sessions.id });
  return ended.map(({ id }) => id);
}

export async function noteSessionUse(tx: Tx, sessionId: string): Promise<void> {
  await tx
    .update(sessions)
    .set({ lastSeenAt: sql`now()` })
    .where(eq(sessions.id, sessionId));
}

/** Ends the session a refresh token belongs to, whatever the token's state. Its id, or undefined if there is none. */
export async function endSession(tx: Tx, token: string): Promise<string | undefined> {
  const [found] = await tx
    .select({ sessionId: refreshTokens.sessionId })
    .from(refreshTokens)
    .where(eq(refreshTokens.tokenHash, hashToken(token)));
  if (found) await revokeSession(tx, found.sessionId, 'signed out');
  return found?.sessionId;
}
