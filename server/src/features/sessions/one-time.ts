import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { oneTimeTokens, sessions } from '../../db/schema/index.ts';
import { hashToken, newId, newToken } from '../../platform/data/ids.ts';
import type { Tx } from '../../platform/data/tenant.ts';

// Real time (5): lifetimes of links.

/** All of these take a transaction of `asSystem`. */

type Purpose = 'password_reset' | 'address';
type OneTime = { userId: string; email: string; mailed: boolean };

/**
 * A token for a link, kept as a hash. Earlier ones stay good: a stranger who asks for links takes none away.
 *
 * @param to `mailed`: it goes to the mailbox of `email`, and whoever opens it reads the mail there
 */
export async function addOneTimeToken(tx: Tx, purpose: Purpose, to: OneTime & { minutes: number }): Promise<string> {
  const token = newToken();
  const { minutes, ...of } = to;
  await tx.execute(
    sql`delete from one_time_tokens where user_id = ${of.userId}::uuid and expires_at < now() - interval '30 days'`,
  );
  await tx.insert(oneTimeTokens).values({
    ...{ id: newId(), purpose, ...of },
    tokenHash: hashToken(token),
    expiresAt: sql`now() + make_interval(mins => ${minutes})`,
  });
  return token;
}

const isUsable = (purpose: Purpose, token: string) =>
  and(
    eq(oneTimeTokens.purpose, purpose),
    eq(oneTimeTokens.tokenHash, hashToken(token)),
    isNull(oneTimeTokens.usedAt),
    gt(oneTimeTokens.expiresAt, sql`now()`),
  );

const columns = { userId: oneTimeTokens.userId, email: oneTimeTokens.email, mailed: oneTimeTokens.mailed };
const complete = (row: { userId: string | null; email: string | null; mailed: boolean } | undefined) => {
  if (!row?.userId || !row.email) return undefined;
  return { userId: row.userId, email: row.email, mailed: row.mailed };
};

/** Whose it is, without using it up: to know before hashing a password for it. */
export async function findOneTimeToken(tx: Tx, purpose: Purpose, token: string): Promise<OneTime | undefined> {
  const [row] = await tx.select(columns).from(oneTimeTokens).where(isUsable(purpose, token));
  return complete(row);
}

/** Uses it up; of several at once exactly one succeeds. Undefined for one that is used, too old, or unknown. */
export async function useOneTimeToken(tx: Tx, purpose: Purpose, token: string): Promise<OneTime | undefined> {
  const [row] = await tx
    .update(oneTimeTokens)
    .set({ usedAt: sql`now()` })
    .where(isUsable(purpose, token))
    .returning(columns);
  return complete(row);
}

/** Their ids. */
export async function endAllSessions(tx: Tx, userId: string, reason: string): Promise<string[]> {
  const ended = await tx
    .update(sessions)
    .set({ revokedAt: sql`now()`, revokedReason: reason })
    .where(and(eq(sessions.userId, userId), isNull(sessions.revokedAt)))
    .returning({ id: sessions.id });
  return ended.map(({ id }) => id);
}
