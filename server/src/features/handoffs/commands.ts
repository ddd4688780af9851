import { sql } from 'drizzle-orm';
import { cleanText } from '@parley/contract';
import type { BotTexts, HandoffReason, Message, Priority } from '@parley/contract';
import { textsIn } from '../../engine/texts/texts.ts';
import { AppError, conflict, notFound } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { append, systemMessage } from '../messages/commands.ts';
import type { Guard } from '../messages/commands.ts';
import { handoffFacts } from './facts.ts';

// Foreign tables: bots, contacts, conversations, users. A row and what it shows come in one statement.

/** What a place in the queue takes is known from the last ones who were picked up, when they are enough. */
const LATELY = 20;
const LATELY_DAYS = 30;
const ENOUGH_KNOWN = 5;

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
 * Puts the conversation into the queue: the bot's, unless the guard names another state. Asking twice changes nothing: a
 * conversation waits once.
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
      guard: { status: 'bot', ...guard },
      changes: sql`status = 'waiting', priority = ${priority}, misses = 0, assignee_id = null`,
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
      waiting_since, place, place_seconds, place_seconds_upper)
    select ${handoffId}::uuid, ${target.workspaceId}::uuid, ${target.conversationId}::uuid, ${request.reason},
      ${request.detail ?? null}::text, ${priority}, ${RANK[priority]}::smallint, ${shortened(request.question, 2000)}::text,
      ${shortened(request.attempt, 4000)}::text, ${tx.now}::timestamptz,
      1 + (select count(*) from handoffs where status = 'waiting' and priority_rank <= ${RANK[priority]}::smallint),
      case when r.known >= ${ENOUGH_KNOWN} then r.usual end, case when r.known >= ${ENOUGH_KNOWN} then r.longer end
    from (
      select count(*) as known, percentile_cont(0.5) within group (order by seconds) as usual,
        percentile_cont(0.75) within group (order by seconds) as longer
      from (
        select extract(epoch from picked_up_at - waiting_since) / place as seconds from handoffs
        where picked_up_at > ${tx.now}::timestamptz - make_interval(days => ${LATELY_DAYS}) and place is not null
        order by picked_up_at desc limit ${LATELY}) lately) r`);
  const message = made.messages[0];
  return message && { handoffId, message };
}

/** For who comes too late: names the colleague who has it, where one does. */
export const alreadyTaken = (name: string | undefined): AppError =>
  name === undefined
    ? conflict('This conversation no longer waits.')
    : new AppError('already_taken', 409, `${name} was faster and has this conversation.`, {
        details: [{ field: 'assignee', message: name }],
      });

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
    throw alreadyTaken(name ?? undefined);
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

/** All that waits or is in work, of many conversations that end at once. */
export async function endHandoffs(tx: Tx, conversationIds: string[]): Promise<void> {
  await tx.execute(sql`
    update handoffs set status = case when status = 'waiting' then 'cancelled' else 'closed' end, ended_at = ${tx.now}
    where conversation_id = any(${sql.param(conversationIds)}::uuid[]) and status in ('waiting', 'picked_up')`);
}

/** Handoffs of a conversation that are not over. */
export type StandingHandoff = {
  id: string;
  status: 'waiting' | 'picked_up';
  picked_up_by: string | null;
  picked_up_at: string | null;
  ended_at: string | null;
};

export async function standingHandoffs(tx: Tx, conversationId: string): Promise<StandingHandoff[]> {
  const { rows } = await tx.execute<{ standing: StandingHandoff[] | null }>(sql`
    select json_agg(s) as standing from (
      select id, status, picked_up_by, picked_up_at, ended_at from handoffs
      where conversation_id = ${conversationId}::uuid and status in ('waiting', 'picked_up')) s`);
  return rows[0]?.standing ?? [];
}

/** They stand as they did: one that waited waits again, since when it did, and so at its place. */
export async function restoreHandoffs(tx: Tx, conversationId: string, standing: StandingHandoff[]): Promise<void> {
  await tx.execute(sql`
    update handoffs h set status = b.status, picked_up_by = b.picked_up_by, picked_up_at = b.picked_up_at, ended_at = b.ended_at
    from jsonb_to_recordset(${JSON.stringify(standing)}::jsonb) as b(id uuid, status text, picked_up_by uuid,
      picked_up_at timestamptz, ended_at timestamptz)
    where h.id = b.id and h.conversation_id = ${conversationId}::uuid`);
}
