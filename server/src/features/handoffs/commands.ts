import { sql } from 'drizzle-orm';
import { cleanText } from '@parley/contract';
import type { BotTexts, HandoffReason, Message, Priority } from '@parley/contract';
import { textsIn } from '../../engine/texts/texts.ts';
import { conflict, notFound } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { append, systemMessage } from '../messages/commands.ts';
import type { Guard } from '../messages/commands.ts';
import { handoffFacts } from './facts.ts';

// Foreign tables: bots, contacts, conversations, users. A row and what it shows come in one statement.

const RANK: Record<Priority, number> = { high: 0, normal: 1, low: 2 };

export type HandoffRequest = {
  reason: HandoffReason;
  /** in words, for the agents */
  detail?: string;
  priority?: Priority;
  /** what the customer asked last */
  question?: string;
  /** what the bot would have said, or tried */
  attempt?: string;
};

const shortened = (text: string | undefined, length: number): string | null =>
  text === undefined ? null : cleanText(text.slice(0, length));

/**
 * Puts the conversation into the queue. Asking twice changes nothing: a conversation waits once.
 * @returns the system message that tells of it, or nothing when it waited already, a human owns it, or the guard failed
 */
export async function requestHandoff(
  tx: Tx,
  target: { workspaceId: string; conversationId: string },
  request: HandoffRequest,
  guard?: Guard,
  /** what the conversation says of it */
  text = 'Handed over to a person.',
): Promise<{ handoffId: string; message: Message } | undefined> {
  const priority = request.priority ?? 'normal';
  const handoffId = newId();
  const made = await append(
    tx,
    target,
    [
      systemMessage('handoff.requested', text, {
        reason: request.reason,
        detail: request.detail ?? null,
      }),
    ],
    {
      guard: { ...guard, status: 'bot' },
      changes: sql`status = 'waiting', priority = ${priority}, misses = 0`,
      facts: () => [
        handoffFacts.make('handoff.requested', {
          workspaceId: target.workspaceId,
          subjectId: handoffId,
          payload: { conversationId: target.conversationId, reason: request.reason, priority },
        }),
      ],
    },
  );
  if (made.outcome !== 'stored') return undefined;
  await tx.execute(sql`
    insert into handoffs (id, workspace_id, conversation_id, reason, reason_detail, priority, priority_rank, question, attempt,
      waiting_since)
    values (${handoffId}::uuid, ${target.workspaceId}::uuid, ${target.conversationId}::uuid, ${request.reason},
      ${request.detail ?? null}::text, ${priority}, ${RANK[priority]}, ${shortened(request.question, 2000)}::text,
      ${shortened(request.attempt, 4000)}::text, ${tx.now})`);
  const message = made.messages[0];
  return message && { handoffId, message };
}

/**
 * A colleague takes a waiting conversation. Of two who try at once one gets it.
 * @throws not-found; conflict when somebody was faster, naming them
 */
export async function pickUp(
  tx: Tx,
  target: { workspaceId: string; handoffId: string },
  agent: { userId: string; name: string },
): Promise<{ conversationId: string; messages: Message[] }> {
  const { rows } = await tx.execute<{
    conversation_id: string;
    got: boolean;
    by: string | null;
    language: string | null;
    texts: BotTexts | null;
  }>(sql`
    with taken as (
      update handoffs set status = 'picked_up', picked_up_by = ${agent.userId}::uuid, picked_up_at = ${tx.now}
      where id = ${target.handoffId}::uuid and status = 'waiting' returning conversation_id
    )
    select h.conversation_id, exists (select 1 from taken) as got, u.name as by,
      coalesce(c.language, p.language, b.languages[1]) as language, b.texts
    from handoffs h join conversations c on c.id = h.conversation_id join contacts p on p.id = c.contact_id
      left join bots b on b.id = c.bot_id left join users u on u.id = h.picked_up_by where h.id = ${target.handoffId}::uuid`);
  const row = rows[0];
  if (!row) throw notFound('The handoff');
  if (!row.got) {
    // The row above was read before a faster colleague's commit: their name may only be there now.
    const faster = await tx.execute<{ name: string }>(
      sql`select u.name from handoffs h join users u on u.id = h.picked_up_by where h.id = ${target.handoffId}::uuid`,
    );
    const name = faster.rows[0]?.name ?? row.by;
    throw conflict(name ? `${name} was faster and has this conversation.` : 'This conversation no longer waits.');
  }
  const joined = textsIn(row.language, row.texts ?? {})('joined', { name: agent.name });
  const made = await append(
    tx,
    { workspaceId: target.workspaceId, conversationId: row.conversation_id },
    [systemMessage('handoff.picked_up', joined, { agentName: agent.name })],
    {
      changes: sql`status = 'agent', assignee_id = ${agent.userId}::uuid`,
      facts: () => [
        handoffFacts.make('handoff.picked_up', {
          workspaceId: target.workspaceId,
          subjectId: target.handoffId,
          payload: { conversationId: row.conversation_id, userId: agent.userId },
        }),
      ],
    },
  );
  return { conversationId: row.conversation_id, messages: made.outcome === 'stored' ? made.messages : [] };
}

/** Ends the waiting of a conversation that left the queue another way (taken over, resolved, given back). */
export async function endWaiting(
  tx: Tx,
  conversationId: string,
  by: 'cancelled' | 'picked_up',
  userId?: string,
): Promise<void> {
  await tx.execute(sql`
    update handoffs set status = ${by}, ended_at = case when ${by} = 'cancelled' then ${tx.now}::timestamptz end,
      picked_up_by = ${userId ?? null}::uuid, picked_up_at = case when ${by} = 'picked_up' then ${tx.now}::timestamptz end
    where conversation_id = ${conversationId}::uuid and status = 'waiting'`);
}

/** The work of a picked-up handoff is done. */
export async function closeHandoffs(tx: Tx, conversationId: string): Promise<void> {
  await tx.execute(sql`
    update handoffs set status = 'closed', ended_at = ${tx.now}
    where conversation_id = ${conversationId}::uuid and status = 'picked_up'`);
}
