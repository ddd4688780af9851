import { and, eq, isNull, ne } from 'drizzle-orm';
import type { Inbox } from '@parley/contract';
import { inboxes } from '../../db/schema/index.ts';
import { notFound } from '../../platform/errors.ts';
import { recordFacts } from '../../platform/facts/record.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { findBot } from '../bots/queries.ts';
import { closeAllOf } from '../conversations/commands.ts';
import type { Closed } from '../conversations/commands.ts';
import type { InboxRow } from './present.ts';
import { inboxFacts } from './facts.ts';

export type NewInbox = Pick<
  InboxRow,
  'id' | 'name' | 'channel' | 'botId' | 'token' | 'credentials' | 'settings' | 'status' | 'statusDetail' | 'externalId'
>;
export type InboxChange = Partial<Omit<NewInbox, 'id' | 'channel' | 'token'>>;

/** @throws not-found when the bot is not of this workspace */
export async function requireBot(tx: Tx, botId: string | null | undefined): Promise<void> {
  if (botId) await findBot(tx, botId);
}

/** `credentials` sealed. @throws not-found when the bot is not of this workspace */
export async function createInbox(tx: Tx, workspaceId: string, inbox: NewInbox): Promise<InboxRow> {
  await requireBot(tx, inbox.botId);
  const [row] = await tx
    .insert(inboxes)
    .values({ ...inbox, workspaceId, createdAt: tx.now, updatedAt: tx.now })
    .returning();
  if (!row) throw new Error('an inbox was not made');
  await recordFacts(tx, [
    inboxFacts.make('inbox.created', {
      workspaceId,
      subjectId: row.id,
      payload: { channel: row.channel, status: row.status },
    }),
  ]);
  return row;
}

/** @throws not-found, also for a bot of another workspace */
export async function changeInbox(tx: Tx, workspaceId: string, id: string, change: InboxChange): Promise<InboxRow> {
  await requireBot(tx, change.botId);
  const [row] = await tx
    .update(inboxes)
    .set({ ...change, updatedAt: tx.now })
    .where(and(eq(inboxes.id, id), isNull(inboxes.deletedAt)))
    .returning();
  if (!row) throw notFound('The inbox');
  await recordFacts(tx, [
    inboxFacts.make('inbox.changed', { workspaceId, subjectId: row.id, payload: { fields: Object.keys(change) } }),
  ]);
  return row;
}

/** What the platform said last. A disabled inbox stays disabled, whoever looks. */
export async function noteStatus(
  tx: Tx,
  id: string,
  found: { status: Exclude<Inbox['status'], 'disabled'>; statusDetail: string | null; externalId?: string },
): Promise<void> {
  await tx
    .update(inboxes)
    .set(found)
    .where(and(eq(inboxes.id, id), isNull(inboxes.deletedAt), ne(inboxes.status, 'disabled')));
}

/**
 * Nothing arrives or leaves any more, and what is open in it is resolved; its conversations can be read. @throws not-found
 */
export async function deleteInbox(
  tx: Tx,
  workspaceId: string,
  id: string,
  by: { name: string },
): Promise<{ row: InboxRow; closed: Closed[] }> {
  const [row] = await tx
    .update(inboxes)
    .set({ deletedAt: tx.now, status: 'disabled' })
    .where(and(eq(inboxes.id, id), isNull(inboxes.deletedAt)))
    .returning();
  if (!row) throw notFound('The inbox');
  const closed = await closeAllOf(tx, { workspaceId, inboxId: row.id }, by);
  await recordFacts(tx, [inboxFacts.make('inbox.deleted', { workspaceId, subjectId: row.id })]);
  return { row, closed };
}

/** Inboxes of a bot that is deleted are left without one. Returns their ids. */
export async function detachBot(tx: Tx, botId: string): Promise<string[]> {
  const rows = await tx
    .update(inboxes)
    .set({ botId: null, updatedAt: tx.now })
    .where(and(eq(inboxes.botId, botId), isNull(inboxes.deletedAt)))
    .returning({ id: inboxes.id });
  return rows.map((row) => row.id);
}
