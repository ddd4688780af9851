/** Woken after a commit: a role changed or somebody left. What they may do has to be looked up again, and their
 * sockets of that workspace have to be cut. */
export const MEMBERSHIP_CHANGED = 'membership:changed';

export const membershipKey = (workspaceId: string, userId: string): string => `${workspaceId}:${userId}`;

export const parseMembershipKey = (key: string): { workspaceId: string; userId: string } => {
  const [workspaceId = '', userId = ''] = key.split(':');
  return { workspaceId, userId };
};
