import { sql } from 'drizzle-orm';
import type { ConversationStatus, Message } from '@parley/contract';
import { conflict, notFound } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import { storedJson } from '../../platform/data/stored-json.ts';
import { recordFacts } from '../../platform/facts/record.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { restoreHandoffs, standingHandoffs } from '../handoffs/commands.ts';
import type { StandingHandoff } from '../handoffs/commands.ts';
import { takeLineBack } from '../messages/commands.ts';
import { after } from '../messages/queries.ts';
import { conversationFacts } from './facts.ts';

// Foreign tables: outbox. A fact that was not handed on yet is taken back.

/** The toast is there for five seconds; a slow line, a second thought, and a test of it need more. */
const UNDO_MS = 30_000;

type Target = { workspaceId: string; conversationId: string };

/** What a move may change, as it stood before. */
type Standing = {
  status: ConversationStatus;
  assignee_id: string | null;
  bot_id: string | null;
  priority: string;
  status_before_snooze: ConversationStatus | null;
  snoozed_until: string | null;
  resolved_at: string | null;
  unread_count: number;
};
export type Before = { standing: Standing; handoffs: StandingHandoff[] };

/** Locks the conversation, so that nothing comes between this and the move. @throws not-found */
export async function standingOf(tx: Tx, conversationId: string): Promise<Before> {
  const { rows } = await tx.execute<{ standing: Standing }>(sql`
    select to_json(s) as standing from (
      select status, assignee_id, bot_id, priority, status_before_snooze, snoozed_until, resolved_at, unread_count
      from conversations where id = ${conversationId}::uuid for update) s`);
  if (!rows[0]) throw notFound('The conversation');
  return { standing: rows[0].standing, handoffs: await standingHandoffs(tx, conversationId) };
}

/** Remembers how a move is taken back, by whoever made it and for a short time. */
export async function keepUndo(
  tx: Tx,
  target: Target,
  userId: string,
  before: Before,
  line: Message | undefined,
): Promise<string> {
  const id = newId();
  await tx.execute(sql`
    with gone as (delete from undos where created_at < ${tx.now}::timestamptz - make_interval(secs => ${(4 * UNDO_MS) / 1000}))
    insert into undos (id, workspace_id, conversation_id, user_id, before, line_id, event, last_seq, created_at)
    select ${id}::uuid, c.workspace_id, c.id, ${userId}::uuid, ${storedJson(before)}::jsonb, ${line?.id ?? null}::uuid,
      ${line?.event ?? null}::text, c.last_seq, ${tx.now}::timestamptz
    from conversations c where c.id = ${target.conversationId}::uuid`);
  return id;
}

type UndoRow = {
  before: Before;
  line_id: string | null;
  event: string | null;
  last_seq: number | string;
  created_at: Date | string;
};
type NowRow = { status: ConversationStatus; last_seq: number | string; newer: boolean };

/** What keeps a move from being taken back, in words; undefined when nothing does. */
async function obstacle(tx: Tx, { conversationId }: Target, undo: UndoRow): Promise<string | undefined> {
  const { rows } = await tx.execute<NowRow>(sql`
    select status, last_seq, exists (select 1 from conversations o where o.thread_id = c.thread_id and o.id <> c.id
      and o.status <> 'resolved') as newer
    from conversations c where id = ${conversationId}::uuid for update`);
  const [now] = rows;
  if (!now) throw notFound('The conversation');
  if (Number(now.last_seq) !== Number(undo.last_seq)) {
    const since = await after(tx, conversationId, Number(undo.last_seq), 20);
    const words = since.find(({ author }) => author.type !== 'system');
    if (words?.author.type === 'contact') return 'The customer has written meanwhile.';
    if (words) return `${words.author.name ?? 'Somebody'} has written meanwhile.`;
    return 'The conversation was changed meanwhile.';
  }
  if (now.newer && undo.before.standing.status !== 'resolved')
    return 'The customer has begun another conversation meanwhile.';
  return undefined;
}

/**
 * Takes a move back as if it had not been: state, owner and place in the queue are as before, and the line that told of it
 * is gone. Of what was told to others already the opposite is told.
 *
 * @returns the line that is gone
 * @throws not-found for another's or one that was used; conflict, with the reason, when it is too late
 */
export async function undoMove(
  tx: Tx,
  target: Target,
  agent: { userId: string; name: string },
  undoId: string,
): Promise<Message | undefined> {
  const { rows } = await tx.execute<UndoRow>(sql`
    delete from undos where id = ${undoId}::uuid and conversation_id = ${target.conversationId}::uuid
      and user_id = ${agent.userId}::uuid returning before, line_id, event, last_seq, created_at`);
  const [undo] = rows;
  if (!undo) throw notFound('What is to be undone');
  if (tx.now.getTime() - new Date(undo.created_at).getTime() > UNDO_MS)
    throw conflict('It is too late to undo this. Change the conversation itself.');
  const reason = await obstacle(tx, target, undo);
  if (reason !== undefined) throw conflict(`This cannot be undone: ${reason}`);

  const { standing, handoffs } = undo.before;
  await tx.execute(sql`
    update conversations c set status = b.status, assignee_id = b.assignee_id, bot_id = b.bot_id, priority = b.priority,
      status_before_snooze = b.status_before_snooze, snoozed_until = b.snoozed_until, resolved_at = b.resolved_at,
      unread_count = b.unread_count, updated_at = ${tx.now}
    from jsonb_to_record(${storedJson(standing)}::jsonb) as b(status text, assignee_id uuid, bot_id uuid, priority text,
      status_before_snooze text, snoozed_until timestamptz, resolved_at timestamptz, unread_count int)
    where c.id = ${target.conversationId}::uuid`);
  await restoreHandoffs(tx, target.conversationId, handoffs);
  if (undo.event !== null) await takeFactBack(tx, target, agent, undo.event);
  return undo.line_id === null ? undefined : takeLineBack(tx, undo.line_id);
}

async function takeFactBack(tx: Tx, target: Target, agent: { name: string }, event: string): Promise<void> {
  const { rows } = await tx.execute(sql`
    delete from outbox where id = (
      select id from outbox where relayed_at is null and subject_id = ${target.conversationId}::uuid and type = ${event}
      order by seq desc limit 1 for update skip locked) returning id`);
  if (rows.length > 0) return;
  await recordFacts(tx, [
    conversationFacts.make('conversation.move_undone', {
      workspaceId: target.workspaceId,
      subjectId: target.conversationId,
      payload: { undone: event, agentName: agent.name },
    }),
  ]);
}
