import { createHmac } from 'node:crypto';
import { and, eq, gt, isNotNull, isNull, ne, sql } from 'drizzle-orm';
import { refreshTokens, sessions } from '../../db/schema/index.ts';
import { hashToken, newId, newToken } from '../../platform/data/ids.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { revokeSession } from './commands.ts';
import type { Device } from './commands.ts';

// Real time (5): lifetimes of logins.

/** All of these take a transaction of `asSystem`. Rotation with detection of reuse is RFC 9700, 4.14.2; the grace is decision 38. */

const REFRESH_DAYS = 7;
/** So long the last token that was used is answered with the same successor: the first answer may be lost, or two tabs ask at once. */
const GRACE_SECONDS = 30;

/**
 * The token after another. Only who has the other one, and the salt, can tell: the database alone cannot, nor can a thief once the
 * salt is gone. Whoever asks twice gets the same token, so there is never a second line of tokens that nobody watches.
 */
const successorOf = (token: string, salt: string): string =>
  createHmac('sha256', token).update(salt).digest('base64url');

async function keepRefreshToken(tx: Tx, sessionId: string, workspaceId: string | null, token: string): Promise<void> {
  await tx.insert(refreshTokens).values({
    id: newId(),
    sessionId,
    workspaceIdHint: workspaceId,
    tokenHash: hashToken(token),
    expiresAt: sql`now() + make_interval(days => ${REFRESH_DAYS})`,
  });
}

/** The first refresh token of a session, or of its way into another workspace. */
export async function addRefreshToken(tx: Tx, sessionId: string, workspaceId: string | null): Promise<string> {
  const token = newToken(32);
  await keepRefreshToken(tx, sessionId, workspaceId, token);
  return token;
}

type Owner = { sessionId: string; userId: string; workspaceId: string | null };
export type Rotation =
  /** `next` is to be kept with `continueSession` */
  | ({ outcome: 'rotated'; next: string } & Owner)
  /** the token was used a moment ago, and `next` is what it led to */
  | ({ outcome: 'repeated'; next: string } & Owner)
  | { outcome: 'reused'; sessionId: string }
  | { outcome: 'unknown' };

const owner = {
  sessionId: refreshTokens.sessionId,
  userId: sessions.userId,
  workspaceId: refreshTokens.workspaceIdHint,
};

/**
 * Uses a refresh token up. One conditional update decides, so of several at once exactly one wins; the others wait for its row,
 * and find what it led to. Whoever presents an older one may be a thief or the robbed: the session ends for both. The caller commits
 * in every case.
 */
export async function useRefreshToken(tx: Tx, token: string): Promise<Rotation> {
  const tokenHash = hashToken(token);
  const successorSalt = newToken(32);
  const [used] = await tx
    .update(refreshTokens)
    .set({ usedAt: sql`now()`, successorSalt })
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
    .returning(owner);
  if (used) {
    await tx
      .update(refreshTokens)
      .set({ successorSalt: null })
      .where(
        and(
          eq(refreshTokens.sessionId, used.sessionId),
          ne(refreshTokens.tokenHash, tokenHash),
          isNotNull(refreshTokens.successorSalt),
        ),
      );
    return { outcome: 'rotated', ...used, next: successorOf(token, successorSalt) };
  }
  return repeatOf(tx, token, tokenHash);
}

async function repeatOf(tx: Tx, token: string, tokenHash: string): Promise<Rotation> {
  const [last] = await tx
    .select({
      sessionId: refreshTokens.sessionId,
      salt: refreshTokens.successorSalt,
      isRecent: sql<boolean>`${refreshTokens.usedAt} > now() - make_interval(secs => ${GRACE_SECONDS})`,
    })
    .from(refreshTokens)
    .where(and(eq(refreshTokens.tokenHash, tokenHash), isNotNull(refreshTokens.usedAt)));
  if (!last) return { outcome: 'unknown' };
  if (last.salt !== null && last.isRecent) {
    const next = successorOf(token, last.salt);
    const [found] = await tx
      .select(owner)
      .from(refreshTokens)
      .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
      .where(and(eq(refreshTokens.tokenHash, hashToken(next)), isNull(sessions.revokedAt)));
    // Without one the session ended, or moved to another workspace: there is nothing to go on with, and nothing to punish.
    return found ? { outcome: 'repeated', ...found, next } : { outcome: 'unknown' };
  }
  await revokeSession(tx, last.sessionId, 'a refresh token was used twice');
  return { outcome: 'reused', sessionId: last.sessionId };
}

/** Keeps the refresh token that follows the one that was used, and from where the session goes on. */
export async function continueSession(
  tx: Tx,
  { sessionId, workspaceId, next }: { sessionId: string; workspaceId: string | null; next: string },
  device: Device,
): Promise<void> {
  await tx
    .update(sessions)
    .set({ lastSeenAt: sql`now()`, ...device })
    .where(eq(sessions.id, sessionId));
  await keepRefreshToken(tx, sessionId, workspaceId, next);
}

/** A refresh token for another workspace; the one before it is forgotten, so that a session never has two. */
export async function moveSession(tx: Tx, sessionId: string, workspaceId: string): Promise<string> {
  await tx.delete(refreshTokens).where(and(eq(refreshTokens.sessionId, sessionId), isNull(refreshTokens.usedAt)));
  return addRefreshToken(tx, sessionId, workspaceId);
}
