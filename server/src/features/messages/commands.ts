import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import { statusesBefore } from '@parley/contract';
import type { Citation, ConversationStatus, Message, MessageFailure, MessageStatus } from '@parley/contract';
import { newId } from '../../platform/data/ids.ts';
import { carried } from '../../platform/telemetry/tracing.ts';
import { storedJson } from '../../platform/data/stored-json.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { appendStatement } from './append-statement.ts';
import type { AppendedRow, NewMessage, Options, Target } from './append-statement.ts';
import { presentMessage } from './present.ts';
import type { MessageRow } from './present.ts';
import { since } from './queries.ts';

export { appendLines, takeLineBack } from './lines.ts';

// Foreign tables: conversations, deliveries. A message is sent again, and shown in its conversation, in one transaction.
// Real time (1): tries of deliveries.

export { preview } from './append-statement.ts';
export type { Guard, NewMessage } from './append-statement.ts';
export { retryFiles } from './file-fetches.ts';

/** What happened, told in the conversation: shown in the viewer's own words by `event`; the text is the plain form for exports. */
export const systemMessage = (event: string, text: string, detail: Record<string, unknown> = {}): NewMessage => ({
  author: { type: 'system', id: null, name: null },
  text,
  payload: { event, detail },
});

export type Appended =
  | {
      outcome: 'stored';
      messages: Message[];
      threadId: string;
      status: ConversationStatus;
      /** the delivery that the writer has with `sendFor`; undefined when another one is before it */
      sending: { id: string; messageId: string } | undefined;
    }
  /** every message was there already (a resend, a restarted turn) */
  | { outcome: 'known' }
  /** the guard did not hold; nothing was written */
  | { outcome: 'refused' };

/**
 * The one way a message comes to be: order, conversation summary, delivery and fact in one statement, so that they are
 * kept or lost together at the price of one round trip. Messages that exist (by id, by turn and ordinal, by the sender's
 * own id) are left alone. Inside a month an index holds that, too; across the end of a month it is this statement alone,
 * so whoever names a turn or a client id holds the thread's lease (`guard`) or has locked the conversation's row before.
 */
export async function append(tx: Tx, target: Target, messages: NewMessage[], options: Options = {}): Promise<Appended> {
  const { rows } = await tx.execute<AppendedRow>(appendStatement(tx.now, target, messages, options));
  return readAppended(rows[0]);
}

/** The same as a transaction of its own. */
export async function appendOnce(
  store: Store,
  target: Target,
  messages: NewMessage[],
  options: Options = {},
): Promise<Appended> {
  return (await appendWith(store, target, messages, options)).appended;
}

/** The same, with the columns of `also` beside what came of the messages. */
export async function appendWith<Columns extends Record<string, unknown>>(
  store: Store,
  target: Target,
  messages: NewMessage[],
  options: Options,
): Promise<{ appended: Appended; columns: Columns | undefined }> {
  const [row] = await store.once<AppendedRow & Columns>(
    target.workspaceId,
    appendStatement(store.clock.now(), target, messages, options),
  );
  return { appended: readAppended(row), columns: row };
}

function readAppended(result: AppendedRow | undefined): Appended {
  if (!result || result.fresh === 0) return { outcome: 'known' };
  const { accepted, thread_id: threadId, status, stored, sending } = result;
  if (!accepted || !threadId || !status) return { outcome: 'refused' };
  return {
    outcome: 'stored',
    messages: (stored ?? []).map(presentMessage),
    threadId,
    status,
    sending: sending ? { id: sending.id, messageId: sending.message_id } : undefined,
  };
}

const ofPlatform = (threadId: string, platformId: string): SQL => sql`
  conversation_id in (select id from conversations where thread_id = ${threadId}::uuid)
    and id >= (select messages_from from conversations where thread_id = ${threadId}::uuid order by messages_from limit 1)
    and platform_id = ${platformId} and author_type <> 'system'`;

/** Which message of the thread the platform means, of the customer's or of ours. */
export async function findByPlatformId(tx: Tx, threadId: string, platformId: string): Promise<string | undefined> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    select id from messages where ${ofPlatform(threadId, platformId)}
    union all
    select message_id from deliveries where thread_id = ${threadId}::uuid and ${platformId} = any(platform_ids) limit 1`);
  return rows[0]?.id;
}

/** Condition: a receipt may move the message to this status. */
export const mayBecome = (status: MessageStatus): SQL =>
  sql`status = any(${sql.param([...statusesBefore(status)])}::text[])`;

/** A receipt. Receipts arrive in any order; a status never moves back. */
export async function advance(
  tx: Tx,
  messageId: string,
  status: MessageStatus,
  failure?: MessageFailure,
): Promise<Message | undefined> {
  const { rows } = await tx.execute<MessageRow>(sql`
    update messages set status = ${status}, error = ${failure?.message ?? null}::text, payload = ${withFailure(failure)}
    where id = ${messageId}::uuid and ${mayBecome(status)} returning *`);
  return rows[0] && presentMessage(rows[0]);
}

/** The payload with this failure, or without one. */
export const withFailure = (failure: Pick<MessageFailure, 'code' | 'retryable'> | undefined): SQL =>
  failure
    ? sql`payload || ${storedJson({ failure: { code: failure.code, retryable: failure.retryable } })}::jsonb`
    : sql`payload - 'failure'`;

/**
 * A failed message goes to the platform again, as one delivery like the first: what the platform said of the former try
 * is forgotten with its ids. Undefined unless it failed.
 */
export async function retry(
  tx: Tx,
  messageId: string,
): Promise<{ message: Message; threadId: string; isTemplate: boolean } | undefined> {
  const { rows } = await tx.execute<MessageRow>(sql`
    update messages set status = 'pending', error = null,
      payload = (payload - 'failure') || jsonb_build_object('retries', coalesce((payload ->> 'retries')::int, 0) + 1)
    where id = ${messageId}::uuid and status = 'failed' and author_type in ('agent', 'bot') and deleted_at is null
    returning *`);
  const row = rows[0];
  if (!row) return undefined;
  const { rows: due } = await tx.execute<{ thread_id: string }>(sql`
    insert into deliveries (id, workspace_id, inbox_id, thread_id, conversation_id, message_id, request_id, created_at)
    select ${newId()}::uuid, c.workspace_id, c.inbox_id, c.thread_id, c.id, ${messageId}::uuid, ${carried() ?? null}::text,
      ${tx.now}::timestamptz
    from conversations c where c.id = ${row.conversation_id}::uuid
    on conflict (message_id) do update set state = 'pending', attempts = 0, next_attempt_at = now(), platform_ids = '{}',
      error = null, created_at = excluded.created_at, finished_at = null, lease_until = null, request_id = excluded.request_id
    returning thread_id`);
  if (!due[0]) throw new Error('a delivery was neither found nor made');
  return { message: presentMessage(row), threadId: due[0].thread_id, isTemplate: row.payload.template !== undefined };
}

/** The sources of a paragraph that was shown before they were known. */
export async function cite(
  tx: Tx,
  { conversationId, turnId, ordinal }: { conversationId: string; turnId: string; ordinal: number },
  citations: Citation[],
): Promise<Message | undefined> {
  const { rows } = await tx.execute<MessageRow>(sql`
    update messages set citations = ${storedJson(citations)}::jsonb
    where turn_id = ${turnId}::uuid and ordinal = ${ordinal} and ${since(conversationId)} returning *`);
  return rows[0] && presentMessage(rows[0]);
}
