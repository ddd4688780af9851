import { and, eq, isNull } from 'drizzle-orm';
import type { Presence, Role } from '@parley/contract';
import { invitations, memberships, users } from '../../db/schema/index.ts';
import { conflict, forbidden, notFound } from '../../platform/errors.ts';
import type { Actor } from '../../platform/http/index.ts';
import { hashToken, newId, newToken } from '../../platform/data/ids.ts';
import { recordFacts } from '../../platform/facts/record.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { presenceChanged } from './changes.ts';
import { mayChange, mayGrant } from './policy.ts';
import { findMember, isPending } from './queries.ts';
import type { MemberRow } from './queries.ts';
import { memberFacts } from './facts.ts';

const INVITATION_DAYS = 7;
const DAY_MS = 86_400_000;

/**
 * Invites an address. A second invitation of the same address replaces the first. `token` is told once and kept as a
 * hash only; so is `mailedToken`, which is for the mail alone and proves the address.
 *
 * @throws forbidden for a role the actor may not give; conflict when the address is a member already
 */
export async function invite(tx: Tx, actor: Actor, input: { email: string; role: Role }) {
  if (!mayGrant(actor.role, input.role)) throw forbidden('You cannot give this role.');
  const [member] = await tx
    .select({ id: memberships.id })
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(and(eq(users.email, input.email), isNull(memberships.removedAt)));
  if (member) throw conflict('This person is a member already.');
  const replaced = await tx
    .update(invitations)
    .set({ revokedAt: tx.now })
    .where(and(eq(invitations.email, input.email), isPending(tx)))
    .returning({ role: invitations.role });
  // Rolls the replacement back: an admin cannot turn an invitation to owner into another.
  if (replaced.some(({ role }) => !mayGrant(actor.role, role))) throw forbidden('You cannot change this invitation.');
  const token = newToken();
  const mailedToken = newToken();
  const [invitation] = await tx
    .insert(invitations)
    .values({
      id: newId(),
      workspaceId: actor.workspaceId,
      ...input,
      tokenHash: hashToken(token),
      mailedTokenHash: hashToken(mailedToken),
      invitedBy: actor.userId,
      createdAt: tx.now,
      expiresAt: new Date(tx.now.getTime() + INVITATION_DAYS * DAY_MS),
    })
    .returning();
  if (!invitation) throw new Error('the invitation was not stored');
  await recordFacts(tx, [
    memberFacts.make('member.invited', {
      workspaceId: actor.workspaceId,
      subjectId: invitation.id,
      payload: { role: input.role, by: actor.userId },
    }),
  ]);
  return { invitation, token, mailedToken };
}

/** @throws not-found for one that is not pending; forbidden for one to a role the actor may not give */
export async function revokeInvitation(tx: Tx, actor: Actor, id: string): Promise<void> {
  const [invitation] = await tx
    .update(invitations)
    .set({ revokedAt: tx.now })
    .where(and(eq(invitations.id, id), isPending(tx)))
    .returning({ role: invitations.role });
  if (!invitation) throw notFound('The invitation');
  if (!mayGrant(actor.role, invitation.role)) throw forbidden('You cannot change this invitation.');
}

/**
 * Across workspaces: uses an invitation up. Of several at once exactly one succeeds.
 *
 * @throws not-found for an invitation that is used, revoked or too old
 */
export async function acceptInvitation(tx: Tx, invitationId: string, userId: string): Promise<{ workspaceId: string }> {
  const [invitation] = await tx
    .update(invitations)
    .set({ acceptedAt: tx.now })
    .where(and(eq(invitations.id, invitationId), isPending(tx)))
    .returning({ workspaceId: invitations.workspaceId, role: invitations.role });
  if (!invitation) throw notFound('The invitation');
  await addMember(tx, invitation.workspaceId, userId, invitation.role);
  return { workspaceId: invitation.workspaceId };
}

/** Across workspaces. Somebody who is a member keeps the role they have. */
export async function addMember(tx: Tx, workspaceId: string, userId: string, role: Role): Promise<void> {
  await tx
    .insert(memberships)
    .values({ id: newId(), workspaceId, userId, role, createdAt: tx.now })
    .onConflictDoNothing();
}

/** Across workspaces. `email` in lower case. Fails with a unique violation (a conflict) when it exists. */
export async function addAccount(
  tx: Tx,
  { isProven = false, ...account }: { email: string; name: string; passwordHash: string; isProven?: boolean },
): Promise<string> {
  const id = newId();
  await tx.insert(users).values({ id, ...account, createdAt: tx.now, emailVerifiedAt: isProven ? tx.now : null });
  return id;
}

/** Across workspaces: a link that was mailed to their address was opened. */
export async function markAddressProven(tx: Tx, userId: string): Promise<void> {
  await tx
    .update(users)
    .set({ emailVerifiedAt: tx.now })
    .where(and(eq(users.id, userId), isNull(users.emailVerifiedAt)));
}

/** Across workspaces. `email` in lower case. Fails with a unique violation (a conflict) when somebody has it. */
export async function changeAddress(tx: Tx, userId: string, email: string, isProven = false): Promise<void> {
  await tx
    .update(users)
    .set({ email, emailVerifiedAt: isProven ? tx.now : null })
    .where(eq(users.id, userId));
}

/** Across workspaces: what mails to them are written in. */
export async function noteLanguage(tx: Tx, userId: string, language: string): Promise<void> {
  await tx.update(users).set({ language }).where(eq(users.id, userId));
}

/** Across workspaces: the same password, hashed as new ones are. */
export async function refreshPasswordHash(tx: Tx, userId: string, passwordHash: string): Promise<void> {
  await tx.update(users).set({ passwordHash }).where(eq(users.id, userId));
}

/** Across workspaces. */
export async function renamePerson(tx: Tx, userId: string, name: string): Promise<void> {
  await tx.update(users).set({ name }).where(eq(users.id, userId));
}

/** Locks the owners' rows first, so that two owners who demote each other at once leave one. */
async function assertAnotherOwner(tx: Tx, leaving: string): Promise<void> {
  const owners = await tx
    .select({ id: memberships.id })
    .from(memberships)
    .where(and(eq(memberships.role, 'owner'), isNull(memberships.removedAt)))
    .orderBy(memberships.id)
    .for('update');
  if (!owners.some(({ id }) => id !== leaving))
    throw conflict('A workspace needs an owner. Make somebody else one first.');
  if (!owners.some(({ id }) => id === leaving)) throw conflict('This member was changed meanwhile.');
}

/** Links somebody handed out stop working when they no longer may hand them out. */
async function withdrawInvitationsOf(tx: Tx, userId: string): Promise<void> {
  await tx
    .update(invitations)
    .set({ revokedAt: tx.now })
    .where(and(eq(invitations.invitedBy, userId), isPending(tx)));
}

/** @throws not-found, forbidden, conflict for the last owner */
export async function changeRole(tx: Tx, actor: Actor, id: string, role: Role): Promise<MemberRow> {
  const member = await findMember(tx, id);
  if (!member) throw notFound('The member');
  if (!mayChange(actor.role, member.role)) throw forbidden('Only owners can change owners.');
  if (!mayGrant(actor.role, role)) throw forbidden('You cannot give this role.');
  if (member.role === role) return member;
  if (member.role === 'owner') await assertAnotherOwner(tx, id);
  const changed = await tx
    .update(memberships)
    .set({ role })
    .where(and(eq(memberships.id, id), isNull(memberships.removedAt), eq(memberships.role, member.role)))
    .returning({ id: memberships.id });
  if (changed.length === 0) throw conflict('This member was changed meanwhile.');
  if (!mayGrant(role, member.role)) await withdrawInvitationsOf(tx, member.userId);
  await recordFacts(tx, [
    memberFacts.make('member.role_changed', {
      workspaceId: actor.workspaceId,
      subjectId: id,
      payload: { userId: member.userId, from: member.role, to: role, by: actor.userId },
    }),
  ]);
  return { ...member, role };
}

/** Removes a member; everybody may remove themselves. @throws not-found, forbidden, conflict for the last owner */
export async function removeMember(tx: Tx, actor: Actor, id: string): Promise<MemberRow> {
  const member = await findMember(tx, id);
  if (!member) throw notFound('The member');
  // A key in somebody's name removes members like any other, but leaves in nobody's name.
  const leaves = member.userId === actor.userId && !actor.apiKey;
  const mayRemove = actor.permissions.has('members:write') && mayChange(actor.role, member.role);
  if (!leaves && !mayRemove) throw forbidden('You cannot remove this member.');
  if (member.role === 'owner') await assertAnotherOwner(tx, id);
  const removed = await tx
    .update(memberships)
    .set({ removedAt: tx.now, presence: 'offline' })
    .where(and(eq(memberships.id, id), isNull(memberships.removedAt), eq(memberships.role, member.role)))
    .returning({ id: memberships.id });
  if (removed.length === 0) throw conflict('This member was changed meanwhile.');
  await withdrawInvitationsOf(tx, member.userId);
  await recordFacts(tx, [
    memberFacts.make('member.removed', {
      workspaceId: actor.workspaceId,
      subjectId: id,
      payload: { userId: member.userId, by: actor.userId },
    }),
  ]);
  return member;
}

/** Whether somebody is there to take conversations, in the workspace of the transaction. */
export async function setPresence(tx: Tx, userId: string, presence: Presence): Promise<void> {
  await tx
    .update(memberships)
    .set({ presence })
    .where(and(eq(memberships.userId, userId), isNull(memberships.removedAt)));
}

/** Says whether somebody is there, by their own word or by their sockets. */
export async function changePresence(
  { store, publish }: { store: Store; publish: Publish },
  { workspaceId, userId }: { workspaceId: string; userId: string },
  presence: Presence,
): Promise<void> {
  await store.inControl(workspaceId, (tx) => setPresence(tx, userId, presence));
  publish([presenceChanged(workspaceId, { userId, presence })]);
}
