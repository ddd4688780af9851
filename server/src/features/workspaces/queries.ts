import { and, eq, inArray, isNull } from 'drizzle-orm';
import { workspaces } from '../../db/schema/index.ts';
import type { Tx } from '../../platform/data/tenant.ts';

export type WorkspaceRow = typeof workspaces.$inferSelect;

/** The workspace of the transaction; row-level security hides all others. */
export async function findWorkspace(tx: Tx, id: string): Promise<WorkspaceRow | undefined> {
  const [row] = await tx
    .select()
    .from(workspaces)
    .where(and(eq(workspaces.id, id), isNull(workspaces.deletedAt)));
  return row;
}

/**
 * Across workspaces (`asSystem`): the oldest, whose owners run the installation. Also one that was deleted: what it may
 * must not pass to whoever came second.
 */
export async function findFirstWorkspaceId(tx: Tx): Promise<string | undefined> {
  const [row] = await tx
    .select({ id: workspaces.id })
    .from(workspaces)
    .orderBy(workspaces.createdAt, workspaces.id)
    .limit(1);
  return row?.id;
}

/** Across workspaces (`asSystem`), by id; deleted ones are left out. */
export async function findWorkspaces(tx: Tx, ids: string[]): Promise<Map<string, WorkspaceRow>> {
  if (ids.length === 0) return new Map();
  const rows = await tx
    .select()
    .from(workspaces)
    .where(and(inArray(workspaces.id, ids), isNull(workspaces.deletedAt)));
  return new Map(rows.map((row) => [row.id, row]));
}

/** Across workspaces (`asSystem`): all of them, the oldest first; deleted ones are left out. */
export async function listWorkspaceIds(tx: Tx): Promise<string[]> {
  const rows = await tx
    .select({ id: workspaces.id })
    .from(workspaces)
    .where(isNull(workspaces.deletedAt))
    .orderBy(workspaces.createdAt, workspaces.id);
  return rows.map(({ id }) => id);
}
