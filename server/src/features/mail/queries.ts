import { desc, eq, sql } from 'drizzle-orm';
import type { Tx } from '../../platform/data/tenant.ts';
import { mails } from './table.ts';
import type { MailRow } from './table.ts';

// Real time (2): leases of mails.

/** All of these take a transaction of `asSystem`: mails belong to the installation. */

export async function listMails(
  tx: Tx,
  { page, limit }: { page: number; limit: number },
): Promise<{ rows: MailRow[]; total: number }> {
  const rows = await tx
    .select()
    .from(mails)
    .orderBy(desc(mails.id))
    .limit(limit)
    .offset((page - 1) * limit);
  return { rows, total: await tx.$count(mails) };
}

export async function findMail(tx: Tx, id: string): Promise<MailRow | undefined> {
  const [row] = await tx.select().from(mails).where(eq(mails.id, id));
  return row;
}

/** Those that are due, and that no job seems to see to. */
export async function findForgottenMails(tx: Tx, afterSeconds: number): Promise<string[]> {
  const rows = await tx
    .select({ id: mails.id })
    .from(mails)
    .where(
      sql`state = 'waiting' and next_attempt_at < now() - make_interval(secs => ${afterSeconds}) and (lease_until is null or lease_until < now())`,
    )
    .orderBy(mails.nextAttemptAt)
    .limit(200);
  return rows.map(({ id }) => id);
}
