import type { Invitation, Member } from '@parley/contract';
import type { MemberRow } from './queries.ts';

export const presentMember = (row: MemberRow): Member => ({ ...row, joinedAt: row.joinedAt.toISOString() });

type InvitationRow = Omit<Invitation, 'createdAt' | 'expiresAt'> & { createdAt: Date; expiresAt: Date };

export const presentInvitation = ({ id, email, role, createdAt, expiresAt }: InvitationRow): Invitation => ({
  id,
  email,
  role,
  createdAt: createdAt.toISOString(),
  expiresAt: expiresAt.toISOString(),
});
