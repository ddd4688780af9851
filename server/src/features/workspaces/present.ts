import type { Workspace } from '@parley/contract';
import type { WorkspaceRow } from './queries.ts';

/** Without `settings`, which hold what only the server needs. */
export const presentWorkspace = ({ id, name, accent, plan, createdAt }: WorkspaceRow): Workspace => ({
  id,
  name,
  accent,
  plan,
  createdAt: createdAt.toISOString(),
});
