import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { oneTimeTokens } from '../../db/schema/index.ts';
import { hashToken, newId, newToken } from '../../platform/data/ids.ts';
import type { Tx } from '../../platform/data/tenant.ts';

// Real time (4): lifetimes of logins.

export const PROOF_MINUTES = 15;

/** A token for a link, kept as a hash. Earlier ones stay good: a stranger who asks for links takes none away. */
export async function addProof(tx: Tx, userId: string): Promise<string> {
  const token = newToken();
  await tx.execute(
    sql`delete from one_time_tokens where purpose = 'sign_in' and expires_at < now() - interval '1 day'`,
  );
  await tx.insert(oneTimeTokens).values({
    id: newId(),
    purpose: 'sign_in',
    userId,
    tokenHash: hashToken(token),
    expiresAt: sql`now() + make_interval(mins => ${PROOF_MINUTES})`,
  });
  return token;
}

/** What was mailed to an address that is not the account's any more, or under another password, opens nothing. */
export async function forgetMailedLinks(tx: Tx, userId: string): Promise<void> {
  await tx.delete(oneTimeTokens).where(and(eq(oneTimeTokens.userId, userId), isNull(oneTimeTokens.usedAt)));
}

/** Uses it up; of several at once exactly one succeeds. False for one that is another account's, used, too old or unknown. */
export async function useProof(tx: Tx, userId: string, token: string): Promise<boolean> {
  const used = await tx
    .update(oneTimeTokens)
    .set({ usedAt: sql`now()` })
    .where(
      and(
        eq(oneTimeTokens.purpose, 'sign_in'),
        eq(oneTimeTokens.userId, userId),
        eq(oneTimeTokens.tokenHash, hashToken(token)),
        isNull(oneTimeTokens.usedAt),
        gt(oneTimeTokens.expiresAt, sql`now()`),
      ),
    )
    .returning({ id: oneTimeTokens.id });
  return used.length > 0;
}

/** After the #, so that neither a server's log nor a referrer has it. */
export const proofLink = (publicUrl: string, token: string): string => `${publicUrl}/sign-in#proof=${token}`;
