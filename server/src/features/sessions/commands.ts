import { and, eq, gt, inArray, isNotNull, isNull, lt, ne, sql } from 'drizzle-orm';
import { refreshTokens, sessions } from '../../db/schema/index.ts';
import { hashToken, newId, newToken } from '../../platform/data/ids.ts';
import type { Tx } from '../../platform/data/tenant.ts';

// Real time (7): lifetimes of logins.

/** All of these take a transaction of `asSystem`: logins belong to people, not to workspaces. */

const REFRESH_DAYS = 7;

export type Device = { userAgent: string | null; ip: string | null };

async function addRefreshToken(tx: Tx, sessionId: string, workspaceId: string | null): Promise<string> {
  const token = newToken(32);
  await tx.insert(refreshTokens).values({
    id: newId(),
    sessionId,
    workspaceIdHint: workspaceId,
    tokenHash: hashToken(token),
    expiresAt: sql`now() + make_interval(days => ${REFRESH_DAYS})`,
  });
  return token;
}

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

export async function startSession(tx: Tx, userId: string, workspaceId: string | null, device: Device) {
  await forgetOldSessions(tx, userId);
  const sessionId = newId();
  await tx.insert(sessions).values({ id: sessionId, userId, ...device });
  return { sessionId, refreshToken: await addRefreshToken(tx, sessionId, workspaceId) };
}

export type Rotation =
  | { outcome: 'rotated'; sessionId: string; userId: string; workspaceId: string | null }
  | { outcome: 'reused'; sessionId: string }
  | { outcome: 'unknown' };

/**
 * Uses a refresh token up. One conditional update decides, so of several at once exactly one wins. Whoever presents a
 * used one may be a thief or the robbed: the session ends for both. The caller commits in every case.
 */
export async function useRefreshToken(tx: Tx, token: string): Promise<Rotation> {
  const tokenHash = hashToken(token);
  const [used] = await tx
    .update(refreshTokens)
    .set({ usedAt: sql`now()` })
    .from(sessions)
    .where(
      and(
        eq(refreshTokens.tokenHash, tokenHash),
        isNull(refreshTokens.usedAt),
        gt(refreshTokens.expiresAt, sql`now()`),
        eq(sessions.id, refreshTokens.sessionId),
        isNull(sessions.revokedAt),
      ),
    )
    .returning({
      sessionId: refreshTokens.sessionId,
      userId: sessions.userId,
      workspaceId: refreshTokens.workspaceIdHint,
    });
  if (used) return { outcome: 'rotated', ...used };
  const [reused] = await tx
    .select({ sessionId: refreshTokens.sessionId })
    .from(refreshTokens)
    .where(and(eq(refreshTokens.tokenHash, tokenHash), isNotNull(refreshTokens.usedAt)));
  if (!reused) return { outcome: 'unknown' };
  await revokeSession(tx, reused.sessionId, 'a refresh token was used twice');
  return { outcome: 'reused', sessionId: reused.sessionId };
}

/** The next refresh token of a session whose last one was used. */
export async function continueSession(tx: Tx, sessionId: string, workspaceId: string | null): Promise<string> {
  await tx
    .update(sessions)
    .set({ lastSeenAt: sql`now()` })
    .where(eq(sessions.id, sessionId));
  return addRefreshToken(tx, sessionId, workspaceId);
}

/** A refresh token for another workspace; the one before it is forgotten, so that a session never has two. */
export async function moveSession(tx: Tx, sessionId: string, workspaceId: string): Promise<string> {
  await tx.delete(refreshTokens).where(and(eq(refreshTokens.sessionId, sessionId), isNull(refreshTokens.usedAt)));
  return continueSession(tx, sessionId, workspaceId);
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

/** Their ids. */
export async function endOtherSessions(tx: Tx, userId: string, keptId: string): Promise<string[]> {
  const ended = await tx
    .update(sessions)
    .set({ revokedAt: sql`now()`, revokedReason: 'the password was changed' })
    .where(and(eq(sessions.userId, userId), ne(sessions.id, keptId), isNull(sessions.revokedAt)))
    .returning({ id: sessions.id });
  return ended.map(({ id }) => id);
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
