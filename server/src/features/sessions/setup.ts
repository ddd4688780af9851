import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { oneTimeTokens } from '../../db/schema/index.ts';
import { notFound } from '../../platform/errors.ts';
import { hashToken, newId, newToken } from '../../platform/data/ids.ts';
import type { Passwords } from '../../platform/security/password.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { addAccount } from '../members/commands.ts';
import { hasAccounts } from '../members/queries.ts';
import { adoptDemoWorkspace, createWorkspace } from '../workspaces/commands.ts';

// Real time (3): lifetimes of logins.

const SETUP_DAYS = 7;

type FirstOwner = { email: string; name: string; passwordHash: string; workspaceName: string };

/** Two first owners at once would both find nobody: they queue here. */
const lockSetup = (tx: Tx) => tx.execute(sql`select pg_advisory_xact_lock(727001)`);

const isUsable = (tokenHash: string) =>
  and(
    eq(oneTimeTokens.purpose, 'setup'),
    eq(oneTimeTokens.tokenHash, tokenHash),
    isNull(oneTimeTokens.usedAt),
    gt(oneTimeTokens.expiresAt, sql`now()`),
  );

async function addFirstOwner(tx: Tx, { workspaceName, ...account }: FirstOwner) {
  const userId = await addAccount(tx, account);
  const { id: workspaceId } =
    (await adoptDemoWorkspace(tx, userId, workspaceName)) ??
    (await createWorkspace(tx, userId, { name: workspaceName }));
  return { userId, workspaceId };
}

/** In a transaction of `asSystem`. */
export const needsSetup = async (tx: Tx): Promise<boolean> => !(await hasAccounts(tx));

/** Whether the link can be used, to know before hashing a password for it. @throws not-found */
export async function assertSetupToken(tx: Tx, token: string): Promise<void> {
  const rows = await tx
    .select({ id: oneTimeTokens.id })
    .from(oneTimeTokens)
    .where(isUsable(hashToken(token)));
  if (rows.length === 0) throw notFound('The set-up link');
}

/** Uses the link up; of several at once exactly one succeeds. @throws not-found for a link used, too old or unknown */
export async function setUp(tx: Tx, token: string, owner: FirstOwner) {
  await lockSetup(tx);
  const used = await tx
    .update(oneTimeTokens)
    .set({ usedAt: sql`now()` })
    .where(isUsable(hashToken(token)))
    .returning({ id: oneTimeTokens.id });
  if (used.length === 0 || (await hasAccounts(tx))) throw notFound('The set-up link');
  return addFirstOwner(tx, owner);
}

export type Setup =
  | { state: 'ready' }
  /** print it: whoever opens it becomes the first owner */
  | { state: 'link'; url: string }
  | { state: 'created'; userId: string; workspaceId: string };

/**
 * At every start: while there is no account, makes the owner the settings name, or else a new one-time link (the links
 * of earlier starts stop working).
 */
export async function ensureSetup(parts: {
  store: Store;
  passwords: Passwords;
  publicUrl: string;
  /** whom the settings name */
  owner: { email: string; password: string } | undefined;
}): Promise<Setup> {
  const { store, passwords, publicUrl, owner } = parts;
  if (!(await store.asSystem(needsSetup))) return { state: 'ready' };
  if (owner) {
    const email = owner.email.toLowerCase();
    const passwordHash = await passwords.hash(owner.password);
    const name = email.split('@')[0] ?? email;
    return store.asSystem(async (tx): Promise<Setup> => {
      await lockSetup(tx);
      if (await hasAccounts(tx)) return { state: 'ready' };
      const made = await addFirstOwner(tx, { email, name, passwordHash, workspaceName: 'My company' });
      return { state: 'created', ...made };
    });
  }
  const token = newToken();
  await store.asSystem(async (tx) => {
    await lockSetup(tx);
    await tx.delete(oneTimeTokens).where(and(eq(oneTimeTokens.purpose, 'setup'), isNull(oneTimeTokens.usedAt)));
    await tx.insert(oneTimeTokens).values({
      id: newId(),
      purpose: 'setup',
      tokenHash: hashToken(token),
      expiresAt: sql`now() + make_interval(days => ${SETUP_DAYS})`,
    });
  });
  return { state: 'link', url: `${publicUrl}/setup?token=${token}` };
}
