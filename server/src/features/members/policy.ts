import { Permission, Role } from '@parley/contract';

/** What concerns all workspaces at once: the operator's, and nobody's by a role alone. */
const ofInstallation: ReadonlySet<Permission> = new Set<Permission>(['queues:read', 'queues:write']);
const everything: ReadonlySet<Permission> = new Set(Permission.options.filter((one) => !ofInstallation.has(one)));
const operator: ReadonlySet<Permission> = new Set(Permission.options);

/** Agents talk with customers, and may see what the bots know and who their colleagues are. */
const agent: ReadonlySet<Permission> = new Set<Permission>([
  'workspace:read',
  'members:read',
  'knowledge:read',
  'bots:read',
  'inboxes:read',
  'contacts:read',
  'contacts:write',
  'conversations:read',
  'conversations:write',
  'handoffs:read',
  'handoffs:write',
]);

/** Admins may do all that owners may, except to owners: see mayGrant and mayChange. */
const permissions: Record<Role, ReadonlySet<Permission>> = { owner: everything, admin: everything, agent };

export const permissionsOf = (role: Role): ReadonlySet<Permission> => permissions[role];

/** Of somebody in the first workspace of the installation: its owners run the installation. */
export const permissionsInFirst = (role: Role): ReadonlySet<Permission> =>
  role === 'owner' ? operator : permissions[role];

/** Whether somebody with the one role may give the other to somebody, or take an invitation to it back. */
export const mayGrant = (own: Role, role: Role): boolean => own === 'owner' || (own === 'admin' && role !== 'owner');

/** Whether somebody with the one role may change or remove a member with the other. */
export const mayChange = (own: Role, target: Role): boolean => mayGrant(own, target);
