import { and, eq, isNull } from 'drizzle-orm';
import { workspaces } from '../../db/schema/index.ts';
import type { Tx } from '../../platform/tenant.ts';

export type WorkspaceRow = typeof workspaces.$inferSelect;

/** The workspace of the transaction; row-level security hides all others. */
export async function findWorkspace(tx: Tx, id: string): Promise<WorkspaceRow | undefined> {
  const [row] = await tx
    .select()
    .from(workspaces)
    .where(and(eq(workspaces.id, id), isNull(workspaces.deletedAt)));
  return row;
}
