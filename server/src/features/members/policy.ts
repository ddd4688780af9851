import { Permission, permissionsFor } from '@parley/contract';
import type { Role } from '@parley/contract';

/** Agents talk with customers, and may see what the bots know and who their colleagues are. */
const agent: ReadonlySet<Permission> = new Set(permissionsFor('agent'));
const everything: ReadonlySet<Permission> = new Set([...agent, ...permissionsFor('admin')]);
/** With what concerns all workspaces at once. */
const operator: ReadonlySet<Permission> = new Set(Permission.options);

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
