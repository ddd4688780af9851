import { and, eq, isNull, sql } from 'drizzle-orm';
import type { z } from 'zod';
import type { WorkspacePatch } from '@parley/contract';
import { workspaces } from '../../db/schema/index.ts';
import { limitReached, notFound } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { addMember } from '../members/commands.ts';
import { findWorkspace } from './queries.ts';
import type { WorkspaceRow } from './queries.ts';

// Foreign tables: memberships, users. A workspace begins with its first member.

/** Across workspaces (`asSystem`): a new workspace with its first owner. */
export async function createWorkspace(tx: Tx, ownerId: string, input: { name: string }): Promise<WorkspaceRow> {
  const [workspace] = await tx
    .insert(workspaces)
    .values({ id: newId(), name: input.name, createdAt: tx.now })
    .returning();
  if (!workspace) throw new Error('the workspace was not stored');
  await addMember(tx, workspace.id, ownerId, 'owner');
  return workspace;
}

/**
 * The same for somebody who asks for one. What they own counts, and for a day what they made and handed on, so that nobody
 * gets round it that way. Of several requests at once each counts what the one before made.
 *
 * @throws limit-reached
 */
export async function createOneMore(
  tx: Tx,
  ownerId: string,
  { atMost, ...input }: { name: string; atMost: number },
): Promise<WorkspaceRow> {
  await tx.execute(sql`select id from users where id = ${ownerId}::uuid for no key update`);
  const { rows } = await tx.execute<{ count: number }>(sql`
    select count(distinct w.id)::int as count from workspaces w
    join memberships m on m.workspace_id = w.id and m.user_id = ${ownerId}::uuid
    where w.deleted_at is null and (
      (m.role = 'owner' and m.removed_at is null)
      -- The first membership is made in the transaction of its workspace.
      or (w.created_at = m.created_at and w.created_at > ${tx.now}::timestamptz - interval '1 day'))`);
  if ((rows[0]?.count ?? 0) >= atMost)
    throw limitReached(`You have ${atMost} workspaces, which is as many as one person may have.`);
  return createWorkspace(tx, ownerId, input);
}

/** @throws not-found */
export async function changeWorkspace(
  tx: Tx,
  id: string,
  changes: z.infer<typeof WorkspacePatch>,
): Promise<WorkspaceRow> {
  if (Object.values(changes).every((value) => value === undefined)) {
    const workspace = await findWorkspace(tx, id);
    if (!workspace) throw notFound('The workspace');
    return workspace;
  }
  const [workspace] = await tx
    .update(workspaces)
    .set(changes)
    .where(and(eq(workspaces.id, id), isNull(workspaces.deletedAt)))
    .returning();
  if (!workspace) throw notFound('The workspace');
  return workspace;
}

/**
 * The operator's decision, never that of its owners. In a transaction of `asSystem`.
 *
 * @throws not-found
 */
export async function changePlan(tx: Tx, id: string, plan: string): Promise<void> {
  const changed = await tx
    .update(workspaces)
    .set({ plan })
    .where(and(eq(workspaces.id, id), isNull(workspaces.deletedAt)))
    .returning({ id: workspaces.id });
  if (changed.length === 0) throw notFound('The workspace');
}

/**
 * The first owner takes the demo workspace over and names it, so that the demo's conversations are in the inbox they
 * see first. In a transaction of `asSystem`. Undefined when there is no demo, or somebody has it already.
 */
export async function adoptDemoWorkspace(tx: Tx, ownerId: string, name: string): Promise<{ id: string } | undefined> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    update workspaces w set name = ${name} where w.id = (
      select d.id from workspaces d where d.settings ? 'demo' and d.deleted_at is null
        and not exists (select 1 from memberships m where m.workspace_id = d.id)
      order by d.created_at limit 1)
    returning w.id`);
  const adopted = rows[0];
  if (adopted) await addMember(tx, adopted.id, ownerId, 'owner');
  return adopted;
}

/** Deletes at most `limit` rows of what is older, in one workspace; resolves to how many there were. */
export type RetentionStep = (store: Store, workspaceId: string, before: Date, limit: number) => Promise<number>;

const BATCH = 1_000;

/** Inside each workspace and in batches, so that nothing is locked for long; it may be ended and begun again. */
export async function inEachWorkspace(store: Store, steps: RetentionStep[], before: Date): Promise<void> {
  const ids = await store.asSystem((tx) => tx.select({ id: workspaces.id }).from(workspaces));
  let failure: unknown;
  for (const { id } of ids) {
    try {
      for (const step of steps) while ((await step(store, id, before, BATCH)) === BATCH);
    } catch (error) {
      // One whose database is away keeps no other from being seen to.
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
}
