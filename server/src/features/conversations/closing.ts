import { sql } from 'drizzle-orm';
import type { ConversationStatus, DeletionEffect, HandoffReason, Message, Priority } from '@parley/contract';
import { recordFacts } from '../../platform/facts/record.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { endHandoffs, requestHandoff } from '../handoffs/commands.ts';
import { append, appendLines, systemMessage } from '../messages/commands.ts';
import { conversationFacts } from './facts.ts';

// Foreign tables: memberships, users. Whether somebody is a colleague still decides what becomes of theirs.

const AT_ONCE = 500;

const some = (effects: DeletionEffect[]): DeletionEffect[] => effects.filter(({ count }) => count > 0);

/** What becomes of an inbox's conversations when it is deleted. */
export async function effectsOfInbox(tx: Tx, inboxId: string): Promise<DeletionEffect[]> {
  const { rows } = await tx.execute<{ open: number; past: number }>(sql`
    select (select count(*)::int from conversations where inbox_id = ${inboxId}::uuid and status <> 'resolved') as open,
      (select count(*)::int from conversations where inbox_id = ${inboxId}::uuid and status = 'resolved') as past`);
  const { open, past } = rows[0] ?? { open: 0, past: 0 };
  return some([
    { what: 'openConversations', count: open, becomes: 'resolved' },
    { what: 'pastConversations', count: past, becomes: 'kept' },
  ]);
}

export type Closed = { conversationId: string; line: Message };

/**
 * Resolves what is open in an inbox that is deleted, each with a line that says so: nobody waits where nothing can be
 * answered. Part of the transaction that deletes the inbox.
 */
export async function closeAllOf(
  tx: Tx,
  { workspaceId, inboxId }: { workspaceId: string; inboxId: string },
  by: { name: string },
): Promise<Closed[]> {
  const closed: Closed[] = [];
  for (;;) {
    const { rows } = await tx.execute<{ id: string; status: ConversationStatus }>(sql`
      select id, status from conversations where inbox_id = ${inboxId}::uuid and status <> 'resolved'
      order by id limit ${AT_ONCE} for update`);
    if (rows.length === 0) return closed;
    const ids = rows.map(({ id }) => id);
    const lines = await appendLines(tx, workspaceId, ids, {
      text: `${by.name} deleted the inbox.`,
      event: 'conversation.resolved',
      detail: { agentName: by.name, reason: 'inbox_deleted' },
    });
    await tx.execute(sql`
      update conversations set status = 'resolved', resolved_at = ${tx.now}, snoozed_until = null, status_before_snooze = null,
        unread_count = 0
      where id = any(${sql.param(ids)}::uuid[])`);
    await endHandoffs(tx, ids);
    await recordFacts(
      tx,
      rows.map(({ id, status }) =>
        conversationFacts.make('conversation.resolved', {
          workspaceId,
          subjectId: id,
          payload: { from: status, agentName: by.name },
        }),
      ),
    );
    closed.push(...lines.map((line) => ({ conversationId: line.conversationId, line })));
  }
}

/** Condition: somebody's, and not over. Whose customer spoke last waits for an answer. */
const unfinishedOf = (userId: string) => sql`assignee_id = ${userId}::uuid and status in ('agent', 'snoozed')`;
const waitsForAnswer = sql`status = 'agent' and last_message_author = 'contact'`;

/** What becomes of a member's conversations when they are removed. */
export async function effectsOfMember(tx: Tx, userId: string): Promise<DeletionEffect[]> {
  const { rows } = await tx.execute<{ queued: number; unassigned: number }>(sql`
    select count(*) filter (where ${waitsForAnswer})::int as queued,
      count(*) filter (where not (${waitsForAnswer}))::int as unassigned
    from conversations where ${unfinishedOf(userId)}`);
  const { queued, unassigned } = rows[0] ?? { queued: 0, unassigned: 0 };
  return some([
    { what: 'openConversations', count: queued, becomes: 'queued' },
    { what: 'openConversations', count: unassigned, becomes: 'unassigned' },
  ]);
}

/** Some of the unfinished conversations of somebody who is no colleague any more. */
export async function someLeftBy(tx: Tx, userId: string, limit: number): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    select id from conversations where ${unfinishedOf(userId)} and not exists (
      select 1 from memberships m where m.user_id = ${userId}::uuid and m.removed_at is null) limit ${limit}`);
  return rows.map(({ id }) => id);
}

/**
 * Takes a conversation from somebody who left: whose customer waits for an answer goes to the queue, the others are nobody's.
 * Undefined when it is no longer theirs.
 */
export async function release(
  tx: Tx,
  target: { workspaceId: string; conversationId: string },
  userId: string,
): Promise<{ messages: Message[]; request?: { reason: HandoffReason } } | undefined> {
  const { rows } = await tx.execute<{
    status: ConversationStatus;
    waits: boolean;
    priority: Priority;
    name: string | null;
  }>(sql`
    select status, ${waitsForAnswer} as waits, priority, (select name from users where id = ${userId}::uuid) as name
    from conversations where id = ${target.conversationId}::uuid and ${unfinishedOf(userId)} for update`);
  const [found] = rows;
  if (!found) return undefined;
  const text = `${found.name ?? 'Who had it'} left the team.`;
  if (found.waits) {
    const request = { reason: 'AGENT_LEFT', detail: text, priority: found.priority } as const;
    const requested = await requestHandoff(tx, target, request, { status: 'agent' });
    return requested && { messages: [requested.message], request };
  }
  const made = await append(tx, target, [systemMessage('conversation.unassigned', text)], {
    changes: sql`assignee_id = null`,
    facts: () => [
      conversationFacts.make('conversation.unassigned', {
        workspaceId: target.workspaceId,
        subjectId: target.conversationId,
        payload: { from: found.status },
      }),
    ],
  });
  return { messages: made.outcome === 'stored' ? made.messages : [] };
}

/** A bot is deleted: what it had open is led by its inbox's bot again, or by people. */
export async function forgetBot(tx: Tx, botId: string): Promise<void> {
  await tx.execute(sql`update conversations set bot_id = null where bot_id = ${botId}::uuid and status <> 'resolved'`);
}

export async function effectsOfBot(tx: Tx, botId: string): Promise<DeletionEffect[]> {
  const { rows } = await tx.execute<{ open: number }>(sql`
    select count(*)::int as open from conversations where bot_id = ${botId}::uuid and status = 'bot'`);
  return some([{ what: 'openConversations', count: rows[0]?.open ?? 0, becomes: 'handedOver' }]);
}
