import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { Attachment, BotTexts, ConversationStatus, Message } from '@parley/contract';
import type { MessagePayload } from '../../db/schema/index.ts';
import { textsIn } from '../../engine/texts/texts.ts';
import type { Say } from '../../engine/texts/texts.ts';
import { badRequest, conflict, notFound } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { resolveContact } from '../contacts/commands.ts';
import type { Person } from '../contacts/commands.ts';
import { closeHandoffs, endWaiting } from '../handoffs/commands.ts';
import { append, systemMessage } from '../messages/commands.ts';
import { messageFacts } from '../messages/facts.ts';
import { byAgentsClientId } from '../messages/queries.ts';
import { conversationFacts } from './facts.ts';
import { findReopenable } from './reopening.ts';

export { closeAllOf, forgetBot } from './closing.ts';
export type { Closed } from './closing.ts';

// Foreign tables: bots, contacts, inboxes, memberships, threads, users. What decides about a state is read under its lock.

export type Agent = { userId: string; name: string };
type Target = { workspaceId: string; conversationId: string };

export type FoundConversation = { id: string; threadId: string; contactId: string; status: ConversationStatus };

/**
 * The open conversation of a platform thread, made when there is none. Of two first messages at once both end up in the
 * same conversation: the partial unique index on open conversations decides.
 */
export async function findOrCreateConversation(
  tx: Tx,
  inbox: { workspaceId: string; inboxId: string; botId: string | null },
  threadKey: string,
  person: Person,
): Promise<{ conversation: FoundConversation; created: boolean }> {
  const contactId = await resolveContact(tx, inbox.workspaceId, inbox.inboxId, person);
  const { rows } = await tx.execute<{ id: string; thread_id: string; status: ConversationStatus; is_new: boolean }>(sql`
    with thread as (
      insert into threads (id, workspace_id, inbox_id, thread_key, contact_id)
      values (${newId()}::uuid, ${inbox.workspaceId}::uuid, ${inbox.inboxId}::uuid, ${threadKey}, ${contactId}::uuid)
      on conflict (inbox_id, thread_key) do update set contact_id = coalesce(threads.contact_id, excluded.contact_id)
      returning id, contact_id
    )
    insert into conversations (id, workspace_id, inbox_id, thread_id, contact_id, bot_id, status, last_message_at, created_at, updated_at)
    select ${newId()}::uuid, ${inbox.workspaceId}::uuid, ${inbox.inboxId}::uuid, t.id, t.contact_id, ${inbox.botId}::uuid, 'bot', at, at, at
    from thread t, (select ${tx.now}::timestamptz as at) clock
    on conflict (thread_id) where status <> 'resolved' do update set updated_at = excluded.updated_at
    returning id, thread_id, status, (xmax = 0) as is_new`);
  const row = rows[0];
  if (!row) throw new Error('a conversation was neither found nor made');
  const conversation = { id: row.id, threadId: row.thread_id, contactId, status: row.status };
  return { conversation, created: row.is_new };
}

/** What a change of state leaves to be told after the commit. */
export type Changed = { message: Message | undefined; status: ConversationStatus; threadId: string };

/** One change of state: allowed from some states, told by a system message, recorded as a fact. */
async function change(
  tx: Tx,
  target: Target,
  step: {
    from: ConversationStatus[];
    event: keyof typeof conversationFacts.definitions;
    /** which text of the catalogue says it, and what is filled in */
    text: Parameters<Say>;
    set: SQL;
    detail?: { agentName?: string; agentId?: string; until?: string };
    refusal: string;
  },
): Promise<Changed> {
  const current = await lockConversation(tx, target.conversationId);
  if (!step.from.includes(current.status)) throw conflict(step.refusal);
  const made = await append(tx, target, [systemMessage(step.event, current.say(...step.text), step.detail)], {
    guard: { status: current.status },
    changes: step.set,
    facts: () => [
      conversationFacts.make(step.event, {
        workspaceId: target.workspaceId,
        subjectId: target.conversationId,
        payload: { from: current.status, ...step.detail },
      }),
    ],
  });
  if (made.outcome !== 'stored') throw conflict(step.refusal);
  return { message: made.messages[0], status: made.status, threadId: made.threadId };
}

/** @throws not-found, also for a conversation of another workspace */
async function lockConversation(
  tx: Tx,
  conversationId: string,
): Promise<{ status: ConversationStatus; threadId: string; say: Say }> {
  const { rows } = await tx.execute<{
    status: ConversationStatus;
    thread_id: string;
    language: string | null;
    texts: BotTexts | null;
  }>(sql`
    select c.status, c.thread_id, coalesce(c.language, p.language, b.languages[1]) as language, b.texts
    from conversations c join contacts p on p.id = c.contact_id left join bots b on b.id = c.bot_id
    where c.id = ${conversationId}::uuid for update of c`);
  if (!rows[0]) throw notFound('The conversation');
  const { status, thread_id: threadId, language, texts } = rows[0];
  return { status, threadId, say: textsIn(language, texts ?? {}) };
}

/** A human owns it from here on; the bot falls silent, in the middle of a sentence if need be. */
export async function takeOver(tx: Tx, target: Target, agent: Agent): Promise<Changed> {
  const changed = await change(tx, target, {
    from: ['bot', 'waiting', 'agent', 'snoozed'],
    event: 'conversation.taken_over',
    text: ['tookOver', { name: agent.name }],
    detail: { agentName: agent.name },
    set: sql`status = 'agent', assignee_id = ${agent.userId}::uuid, snoozed_until = null`,
    refusal: 'This conversation is resolved. Reopen it first.',
  });
  await endWaiting(tx, target.conversationId, 'picked_up', agent.userId);
  return changed;
}

/** Somebody of ours answered in the platform's own app: a person has it, and which one is not known here. */
export async function takeOverOutside(tx: Tx, target: Target): Promise<Changed | undefined> {
  const current = await lockConversation(tx, target.conversationId);
  if (current.status === 'agent' || current.status === 'resolved') return undefined;
  const changed = await change(tx, target, {
    from: [current.status],
    event: 'conversation.taken_over',
    text: ['answeredOutside'],
    set: sql`status = 'agent', snoozed_until = null`,
    refusal: 'This conversation is resolved.',
  });
  await endWaiting(tx, target.conversationId, 'picked_up');
  return changed;
}

export async function returnToBot(tx: Tx, target: Target, agent: Agent): Promise<Changed> {
  const { rows } = await tx.execute<{ bot_id: string | null }>(
    sql`select coalesce(c.bot_id, i.bot_id) as bot_id from conversations c join inboxes i on i.id = c.inbox_id where c.id = ${target.conversationId}::uuid`,
  );
  if (rows[0] && rows[0].bot_id === null) throw conflict('This inbox has no bot to give the conversation to.');
  const changed = await change(tx, target, {
    from: ['waiting', 'agent', 'snoozed'],
    event: 'conversation.returned_to_bot',
    text: ['gaveBack', { name: agent.name }],
    detail: { agentName: agent.name },
    set: sql`status = 'bot', assignee_id = null, snoozed_until = null, bot_id = ${rows[0]?.bot_id ?? null}::uuid`,
    refusal: 'The bot has this conversation already, or it is resolved.',
  });
  await endWaiting(tx, target.conversationId, 'cancelled');
  await closeHandoffs(tx, target.conversationId);
  return changed;
}

/** `by` null: the customer ended it. */
export async function resolve(tx: Tx, target: Target, by: Agent | null): Promise<Changed> {
  const changed = await change(tx, target, {
    from: ['bot', 'waiting', 'agent', 'snoozed'],
    event: 'conversation.resolved',
    text: by ? ['resolvedBy', { name: by.name }] : ['ended'],
    detail: by ? { agentName: by.name } : {},
    set: sql`status = 'resolved', resolved_at = ${tx.now}, snoozed_until = null, unread_count = 0`,
    refusal: 'This conversation is resolved already.',
  });
  await endWaiting(tx, target.conversationId, 'cancelled');
  await closeHandoffs(tx, target.conversationId);
  return changed;
}

export async function reopen(tx: Tx, target: Target, agent: Agent): Promise<Changed> {
  const current = await lockConversation(tx, target.conversationId);
  const other = await tx.execute(
    sql`select 1 from conversations where thread_id = ${current.threadId}::uuid and status <> 'resolved' and id <> ${target.conversationId}::uuid`,
  );
  if (current.status === 'resolved' && other.rows.length > 0) {
    throw conflict('The customer has a newer open conversation. Continue there.');
  }
  return change(tx, target, {
    from: ['resolved', 'snoozed'],
    event: 'conversation.reopened',
    text: ['reopened', { name: agent.name }],
    detail: { agentName: agent.name },
    set: sql`status = 'agent', assignee_id = coalesce(assignee_id, ${agent.userId}::uuid), resolved_at = null, snoozed_until = null`,
    refusal: 'This conversation is open already.',
  });
}

/**
 * The customer writes again soon enough: the conversation goes on with whoever had it when they are there, else with the bot.
 * Undefined where a message begins another one.
 */
export async function reopenByCustomer(
  tx: Tx,
  inbox: { workspaceId: string; inboxId: string; botId: string | null; reopenDays: number },
  threadKey: string,
): Promise<(Changed & { conversation: FoundConversation }) | undefined> {
  const found = await findReopenable(tx, inbox, threadKey);
  if (!found) return undefined;
  const { id, threadId, contactId, name, ownerIsThere } = found;
  const changed = await change(
    tx,
    { workspaceId: inbox.workspaceId, conversationId: id },
    {
      from: ['resolved'],
      event: 'conversation.reopened',
      text: ['reopened', { name }],
      set: ownerIsThere
        ? sql`status = 'agent', resolved_at = null`
        : sql`status = 'bot', assignee_id = null, bot_id = ${inbox.botId}::uuid, resolved_at = null`,
      refusal: 'This conversation is open already.',
    },
  );
  return { ...changed, conversation: { id, threadId, contactId, status: changed.status } };
}

/** Comes back by itself at `until`, or at the customer's next message. */
export async function snooze(tx: Tx, target: Target, agent: Agent, until: string): Promise<Changed> {
  if (Date.parse(until) <= tx.now.getTime()) {
    throw badRequest('Choose a time in the future.', [{ field: 'until', message: 'is in the past' }]);
  }
  const changed = await change(tx, target, {
    from: ['bot', 'waiting', 'agent'],
    event: 'conversation.snoozed',
    text: ['snoozed', { name: agent.name }],
    detail: { agentName: agent.name, until },
    set: sql`status_before_snooze = case when status = 'waiting' then 'agent' else status end, status = 'snoozed', snoozed_until = ${until}::timestamptz`,
    refusal: 'A resolved or snoozed conversation cannot be snoozed.',
  });
  await endWaiting(tx, target.conversationId, 'cancelled');
  return changed;
}

/** The end of a snooze, by the clock or by the customer. Nothing when it is no longer snoozed. */
export async function wakeUp(tx: Tx, target: Target): Promise<Changed | undefined> {
  const current = await lockConversation(tx, target.conversationId);
  if (current.status !== 'snoozed') return undefined;
  return change(tx, target, {
    from: ['snoozed'],
    event: 'conversation.woke_up',
    text: ['wokeUp'],
    set: sql`status = coalesce(status_before_snooze, 'agent'), status_before_snooze = null, snoozed_until = null`,
    refusal: 'This conversation is not snoozed.',
  });
}

/** @throws not-found when the agent is no member of this workspace */
export async function assign(tx: Tx, target: Target, by: Agent, agentId: string | null): Promise<Changed> {
  if (agentId === null) {
    return change(tx, target, {
      from: ['agent', 'snoozed'],
      event: 'conversation.unassigned',
      text: ['unassigned', { name: by.name }],
      set: sql`assignee_id = null`,
      refusal: 'Nobody is assigned to this conversation.',
    });
  }
  const { rows } = await tx.execute<{ name: string }>(sql`
    select u.name from memberships m join users u on u.id = m.user_id where m.user_id = ${agentId}::uuid and m.removed_at is null`);
  const assignee = rows[0];
  if (!assignee) throw notFound('The agent');
  const changed = await change(tx, target, {
    from: ['bot', 'waiting', 'agent', 'snoozed'],
    event: 'conversation.assigned',
    text: ['assigned', { name: by.name, assignee: assignee.name }],
    detail: { agentName: assignee.name, agentId },
    set: sql`status = case when status = 'snoozed' then status else 'agent' end, assignee_id = ${agentId}::uuid`,
    refusal: 'This conversation is resolved. Reopen it first.',
  });
  await endWaiting(tx, target.conversationId, 'picked_up', agentId);
  return changed;
}

export async function setLabels(tx: Tx, target: Target, labels: string[]): Promise<void> {
  const { rows } = await tx.execute(sql`
    update conversations set labels = (select coalesce(array_agg(distinct l), '{}') from jsonb_array_elements_text(${JSON.stringify(labels)}::jsonb) l), updated_at = ${tx.now}
    where id = ${target.conversationId}::uuid returning id`);
  if (!rows[0]) throw notFound('The conversation');
}

export async function markRead(tx: Tx, conversationId: string): Promise<void> {
  const { rows } = await tx.execute(
    sql`update conversations set unread_count = 0 where id = ${conversationId}::uuid returning id`,
  );
  if (!rows[0]) throw notFound('The conversation');
}

export type Reply = {
  text: string;
  private: boolean;
  attachments: Attachment[];
  clientId?: string;
  replyToId?: string;
  template?: MessagePayload['template'];
};

/**
 * An agent's words. A reply to a conversation the bot or the queue has takes it over: a human who speaks owns it. A note
 * changes nothing. A resend with the same `clientId` gives the first message again.
 */
export async function reply(
  tx: Tx,
  target: Target,
  agent: Agent,
  input: Reply,
  channelIsLive: boolean,
): Promise<{ message: Message; changed: Changed | undefined; threadId: string; repeated: boolean }> {
  const current = await lockConversation(tx, target.conversationId);
  if (input.clientId) {
    const known = await byAgentsClientId(tx, target.conversationId, input.clientId);
    if (known) return { message: known, changed: undefined, threadId: current.threadId, repeated: true };
  }
  if (!input.private && current.status === 'resolved')
    throw conflict('This conversation is resolved. Reopen it to reply.');
  const changed = !input.private && current.status !== 'agent' ? await takeOver(tx, target, agent) : undefined;
  const made = await append(
    tx,
    target,
    [
      {
        author: { type: 'agent', id: agent.userId, name: agent.name },
        text: input.text,
        private: input.private,
        attachments: input.attachments,
        payload: {
          ...(input.replyToId ? { replyToId: input.replyToId } : {}),
          ...(input.template ? { template: input.template } : {}),
        },
        clientId: input.clientId,
        deliver: !input.private && !channelIsLive,
      },
    ],
    {
      facts: (_message, id) => [
        messageFacts.make(input.private ? 'note.written' : 'message.sent', {
          workspaceId: target.workspaceId,
          subjectId: id,
          payload: { conversationId: target.conversationId },
        }),
      ],
    },
  );
  const message = made.outcome === 'stored' ? made.messages[0] : undefined;
  if (!message) throw conflict('This message could not be stored. Send it again.');
  return { message, changed, threadId: current.threadId, repeated: false };
}
