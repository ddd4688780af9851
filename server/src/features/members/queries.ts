import { and, asc, count, desc, eq, gt, inArray, isNull, ne, or, sql } from 'drizzle-orm';
import type { Presence, Role } from '@parley/contract';
import { invitations, memberships, users } from '../../db/schema/index.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { findWorkspaces } from '../workspaces/queries.ts';

/** Functions "across workspaces" take a transaction of `asSystem`; the others one of `inWorkspace`. */

export type Account = {
  id: string;
  email: string;
  name: string;
  passwordHash: string | null;
  createdAt: Date;
  disabledAt: Date | null;
  /** somebody opened a link that was mailed to the address */
  emailVerifiedAt: Date | null;
  /** of their last sign-in, if mails are written in it */
  language: string | null;
};

const accountColumns = {
  id: users.id,
  email: users.email,
  name: users.name,
  passwordHash: users.passwordHash,
  createdAt: users.createdAt,
  disabledAt: users.disabledAt,
  emailVerifiedAt: users.emailVerifiedAt,
  language: users.language,
};

/** Across workspaces, for logins: the only place a password's hash is read. */
async function findAccountBy(
  tx: Tx,
  column: typeof users.email | typeof users.id,
  value: string,
): Promise<Account | undefined> {
  const [account] = await tx.select(accountColumns).from(users).where(eq(column, value));
  return account;
}
export const findAccount = (tx: Tx, email: string): Promise<Account | undefined> =>
  findAccountBy(tx, users.email, email);
/** Of somebody who is signed in. */
export const findOwnAccount = (tx: Tx, userId: string): Promise<Account | undefined> =>
  findAccountBy(tx, users.id, userId);

/** Across workspaces. Undefined also for an account that was disabled. */
export async function findPerson(tx: Tx, userId: string) {
  const [person] = await tx
    .select({ id: users.id, email: users.email, name: users.name })
    .from(users)
    .where(and(eq(users.id, userId), isNull(users.disabledAt)));
  return person;
}

/** Across workspaces. */
export async function hasAccounts(tx: Tx): Promise<boolean> {
  const rows = await tx.select({ id: users.id }).from(users).limit(1);
  return rows.length > 0;
}

/** Across workspaces: where somebody belongs, the oldest membership first. */
export async function membershipsOf(tx: Tx, userId: string) {
  const rows = await tx
    .select({ workspaceId: memberships.workspaceId, role: memberships.role })
    .from(memberships)
    .where(and(eq(memberships.userId, userId), isNull(memberships.removedAt)))
    .orderBy(asc(memberships.createdAt), asc(memberships.id));
  const workspaces = await findWorkspaces(
    tx,
    rows.map(({ workspaceId }) => workspaceId),
  );
  return rows.flatMap(({ workspaceId, role }) => {
    const workspace = workspaces.get(workspaceId);
    return workspace ? [{ id: workspaceId, name: workspace.name, accent: workspace.accent, role }] : [];
  });
}

/** Across workspaces: an invitation that can be accepted now. `byMail`: the token is the one that was mailed, and not the copied one. */
export async function findInvitation(tx: Tx, tokenHash: string) {
  const { id, workspaceId, email, role, expiresAt, mailedTokenHash } = invitations;
  const [invitation] = await tx
    .select({
      id,
      workspaceId,
      email,
      role,
      expiresAt,
      byMail: sql<boolean>`${mailedTokenHash} is not distinct from ${tokenHash}`,
    })
    .from(invitations)
    .where(and(or(eq(invitations.tokenHash, tokenHash), eq(mailedTokenHash, tokenHash)), isPending(tx)));
  if (!invitation) return undefined;
  const workspace = (await findWorkspaces(tx, [invitation.workspaceId])).get(invitation.workspaceId);
  return workspace && { ...invitation, workspaceName: workspace.name };
}

export const isPending = ({ now }: Pick<Tx, 'now'>) =>
  and(isNull(invitations.acceptedAt), isNull(invitations.revokedAt), gt(invitations.expiresAt, now));

export type MemberRow = {
  id: string;
  userId: string;
  name: string;
  email: string;
  role: Role;
  presence: Presence;
  joinedAt: Date;
};

const memberColumns = {
  id: memberships.id,
  userId: memberships.userId,
  name: users.name,
  email: users.email,
  role: memberships.role,
  presence: memberships.presence,
  joinedAt: memberships.createdAt,
};

export async function listMembers(
  tx: Tx,
  { page, limit }: { page: number; limit: number },
): Promise<{ rows: MemberRow[]; total: number }> {
  const present = isNull(memberships.removedAt);
  const rows = await tx
    .select(memberColumns)
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(present)
    .orderBy(asc(memberships.createdAt), asc(memberships.id))
    .limit(limit)
    .offset((page - 1) * limit);
  const [counted] = await tx.select({ total: count() }).from(memberships).where(present);
  return { rows, total: counted?.total ?? 0 };
}

export async function findMember(tx: Tx, id: string): Promise<MemberRow | undefined> {
  const [row] = await tx
    .select(memberColumns)
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(and(eq(memberships.id, id), isNull(memberships.removedAt)));
  return row;
}

/** The names of people of the workspace, or once of it, by their user id. */
export async function findNames(tx: Tx, userIds: string[]): Promise<Map<string, string>> {
  if (userIds.length === 0) return new Map();
  const rows = await tx.select({ id: users.id, name: users.name }).from(users).where(inArray(users.id, userIds));
  return new Map(rows.map(({ id, name }) => [id, name]));
}

export async function findPresence(tx: Tx, userId: string): Promise<Presence> {
  const [row] = await tx
    .select({ presence: memberships.presence })
    .from(memberships)
    .where(and(eq(memberships.userId, userId), isNull(memberships.removedAt)));
  return row?.presence ?? 'offline';
}

/** Across workspaces (`asSystem`): some of those who are shown as present, other ones each time. */
export async function somePresent(tx: Tx, limit: number): Promise<{ workspaceId: string; userId: string }[]> {
  return tx
    .select({ workspaceId: memberships.workspaceId, userId: memberships.userId })
    .from(memberships)
    .where(and(ne(memberships.presence, 'offline'), isNull(memberships.removedAt)))
    .orderBy(sql`random()`)
    .limit(limit);
}

export async function listInvitations(tx: Tx, { page, limit }: { page: number; limit: number }) {
  const rows = await tx
    .select({
      id: invitations.id,
      email: invitations.email,
      role: invitations.role,
      createdAt: invitations.createdAt,
      expiresAt: invitations.expiresAt,
    })
    .from(invitations)
    .where(isPending(tx))
    .orderBy(desc(invitations.createdAt), desc(invitations.id))
    .limit(limit)
    .offset((page - 1) * limit);
  const [counted] = await tx.select({ total: count() }).from(invitations).where(isPending(tx));
  return { rows, total: counted?.total ?? 0 };
}

/** Links somebody handed out that can be used still. */
export async function countInvitationsOf(tx: Tx, userId: string): Promise<number> {
  const [counted] = await tx
    .select({ total: count() })
    .from(invitations)
    .where(and(eq(invitations.invitedBy, userId), isPending(tx)));
  return counted?.total ?? 0;
}
