import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import { cleanText, statusesBefore } from '@parley/contract';
import type {
  Attachment,
  Author,
  Citation,
  ConversationStatus,
  Message,
  MessageContentType,
  MessageFailure,
  MessageStatus,
} from '@parley/contract';
import type { MessagePayload } from '../../db/schema/index.ts';
import { newId } from '../../platform/data/ids.ts';
import { carried } from '../../platform/telemetry/tracing.ts';
import type { Fact } from '../../platform/facts/define.ts';
import { factValues } from '../../platform/facts/record.ts';
import { storedJson } from '../../platform/data/stored-json.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { forgetFetchedFiles } from '../files/commands.ts';
import { presentMessage } from './present.ts';
import type { MessageRow } from './present.ts';
import { since } from './queries.ts';

// Foreign tables: conversations, deliveries, outbox, threads. A message, its delivery and its fact are one statement.
// Real time (2): leases and tries of deliveries.

export type NewMessage = {
  id?: string;
  author: Author;
  text: string;
  type?: MessageContentType;
  payload?: MessagePayload;
  attachments?: Attachment[];
  citations?: Citation[];
  private?: boolean;
  status?: MessageStatus;
  turnId?: string;
  ordinal?: number;
  clientId?: string;
  platformId?: string;
  /** queue it for the platform */
  deliver?: boolean;
  createdAt?: string;
};

/** What happened, told in the conversation: shown in the viewer's own words by `event`; the text is the plain form for exports. */
export const systemMessage = (event: string, text: string, detail: Record<string, unknown> = {}): NewMessage => ({
  author: { type: 'system', id: null, name: null },
  text,
  payload: { event, detail },
});

/** What must hold at the moment of writing; checked in the writing statement itself, under row locks. */
export type Guard = {
  /** the conversation's state must still be this: a bot's words are refused once a human owns it */
  status?: ConversationStatus;
  /** not resolved: a customer's words never end in a conversation nobody looks at */
  open?: true;
  /** the fencing token of the thread's lease: a paused holder's late words are refused */
  lease?: { threadId: string; token: number };
};

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

const PREVIEW_LENGTH = 140;
const preview = (text: string, attachments: Attachment[]): string =>
  cleanText(text.trim().replace(/\s+/g, ' ') || attachments.map((file) => file.name).join(', '))
    .slice(0, PREVIEW_LENGTH)
    // the first half of a pair whose second half was cut off
    .replace(/[\ud800-\udbff]$/, '');

/** Ids are lower case and of one length: their order as texts is their order as uuids. */
const smallest = (ids: string[]): string | null =>
  ids.reduce<string | null>((least, id) => (least === null || id < least ? id : least), null);

const toInput = (message: NewMessage, place: number) => ({
  place,
  id: message.id ?? newId(),
  author_type: message.author.type,
  author_id: message.author.id,
  author_name: message.author.name,
  type: message.type ?? 'text',
  text: message.text,
  payload: message.payload ?? {},
  attachments: message.attachments ?? [],
  citations: message.citations ?? [],
  private: message.private ?? false,
  status: message.status ?? (message.deliver ? 'pending' : 'sent'),
  turn_id: message.turnId ?? null,
  ordinal: message.ordinal ?? null,
  client_id: message.clientId ?? null,
  platform_id: message.platformId ?? null,
  created_at: message.createdAt ?? null,
  delivery_id: message.deliver ? newId() : null,
});

type Target = { workspaceId: string; conversationId: string };
type Options = {
  guard?: Guard;
  /**
   * Seconds for which the writer itself has the first delivery, when none waits before it: it spares claiming it. Only for
   * one who holds the thread's lease, since nobody else may queue a delivery at the same moment.
   */
  sendFor?: number;
  facts?: (message: NewMessage, id: string) => Fact[];
  /** further columns of the conversation, e.g. its new state */
  changes?: SQL;
  /** what else belongs into the same statement: further steps (`, name as (…)`) and columns to be returned */
  also?: { steps: SQL; columns: SQL };
};
type AppendedRow = {
  accepted: boolean;
  fresh: number;
  thread_id: string | null;
  status: ConversationStatus | null;
  stored: MessageRow[] | null;
  sending: { id: string; message_id: string } | null;
};

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

function appendStatement(now: Date, target: Target, messages: NewMessage[], options: Options): SQL {
  const { guard } = options;
  const inputs = messages.map(toInput);
  const last = messages.findLast((message) => !message.private && message.author.type !== 'system');
  const facts = inputs.flatMap((input, index) => {
    const message = messages[index];
    return message && options.facts ? options.facts(message, input.id) : [];
  });
  const fromContact = messages.filter((message) => message.author.type === 'contact').length;
  const fromAgent = messages.some((message) => message.author.type === 'agent' && !message.private);

  const changes = [
    sql`last_seq = last_seq + (select count(*) from fresh), updated_at = ${now},
      messages_from = least(messages_from, ${smallest(inputs.map((input) => input.id))}::uuid)`,
    ...(last
      ? [
          sql`last_message_at = ${now}, last_message_preview = ${preview(last.text, last.attachments ?? [])}, last_message_author = ${last.author.type}`,
        ]
      : []),
    ...(fromAgent ? [sql`unread_count = 0, first_response_at = coalesce(first_response_at, ${now})`] : []),
    ...(fromContact > 0 ? [sql`unread_count = unread_count + ${fromContact}`] : []),
    ...(options.changes ? [options.changes] : []),
  ];
  // The lock makes whoever would take the lease meanwhile wait for this write: it is before the new holder's, or not at all.
  const held = guard?.lease
    ? sql`, held as materialized (
      select id from threads where id = ${guard.lease.threadId}::uuid and lease_token = ${guard.lease.token}::bigint for share
    )`
    : sql``;
  const lease = guard?.lease ? sql`exists (select 1 from held)` : sql`true`;
  const status = guard?.status ? sql`status = ${guard.status}` : guard?.open ? sql`status <> 'resolved'` : sql`true`;

  const sendNow =
    options.sendFor === undefined
      ? sql`'pending', 0, 0, null::timestamptz`
      : sql`case when f.step = 1 and l.clear then 'sending' else 'pending' end, (f.step = 1 and l.clear)::int,
        (f.step = 1 and l.clear)::int, case when f.step = 1 and l.clear then now() + make_interval(secs => ${options.sendFor}) end`;
  const lane =
    options.sendFor === undefined
      ? { step: sql``, from: sql`fresh f, moved c` }
      : {
          step: sql`, lane as materialized (
      select not exists (select 1 from deliveries d where d.thread_id = c.thread_id and d.state in ('pending', 'sending'))
        as clear from moved c
    )`,
          from: sql`fresh f, moved c, lane l`,
        };
  const queued = inputs.some((input) => input.delivery_id !== null)
    ? sql`${lane.step}, queued as (
      insert into deliveries (id, workspace_id, inbox_id, thread_id, conversation_id, message_id, request_id, state, attempts,
        lease_token, lease_until, created_at)
      select f.delivery_id, ${target.workspaceId}::uuid, c.inbox_id, c.thread_id, c.id, f.id, ${carried() ?? null}::text,
        ${sendNow}, ${now}::timestamptz
      from ${lane.from} where f.delivery_id is not null order by f.step returning id, message_id, state
    )`
    : sql`, queued as (select null::uuid as id, null::uuid as message_id, null::text as state where false)`;
  // Each of these looks opens an index of every month, so only what can be known already is looked for.
  const notSaid = inputs.some((input) => input.turn_id !== null)
    ? sql`
        and (i.turn_id is null
          or (select count(*) from messages m where m.turn_id = i.turn_id and m.ordinal = i.ordinal
              and m.${since(target.conversationId)}) = 0)`
    : sql``;
  const notHeard = inputs.some((input) => input.client_id !== null)
    ? sql`
        and (i.client_id is null
          or (select count(*) from messages m where m.conversation_id = ${target.conversationId}::uuid
              and m.author_type = i.author_type and m.client_id = i.client_id and m.${since(target.conversationId)}) = 0)`
    : sql``;

  return sql`
    with input as (
      select * from jsonb_to_recordset(${storedJson(inputs)}::jsonb) as i(
        place int, id uuid, author_type text, author_id uuid, author_name text, type text, text text, payload jsonb,
        attachments jsonb, citations jsonb, private boolean, status text, turn_id uuid, ordinal int, client_id text,
        platform_id text, created_at timestamptz, delivery_id uuid)
    ), fresh as (
      -- Counted, not joined: each is one look into a unique index, whatever the planner believes of the table's size.
      select i.*, row_number() over (order by i.place) as step from input i
      where (select count(*) from messages m where m.id = i.id) = 0${notSaid}${notHeard}
    )${held}, moved as (
      update conversations set ${sql.join(changes, sql`, `)}
      where id = ${target.conversationId}::uuid and (select count(*) from fresh) > 0 and ${status} and ${lease}
      returning id, last_seq, thread_id, inbox_id, status
    ), stored as (
      insert into messages (id, workspace_id, conversation_id, seq, author_type, author_id, author_name, type, text, payload,
        attachments, citations, private, status, turn_id, ordinal, client_id, platform_id, created_at)
      select f.id, ${target.workspaceId}::uuid, c.id, c.last_seq - (select count(*) from fresh) + f.step, f.author_type,
        f.author_id, f.author_name, f.type, f.text, f.payload, f.attachments, f.citations, f.private, f.status, f.turn_id,
        f.ordinal, f.client_id, f.platform_id, coalesce(f.created_at, ${now}::timestamptz)
      from fresh f, moved c returning *
    )${queued}, told as (
      insert into outbox (id, workspace_id, type, subject_id, payload, request_id)
      select v.* from ${facts.length > 0 ? sql`(values ${sql.join(facts.map(factValues), sql`, `)})` : sql`(select null::uuid, null::uuid, null::text, null::uuid, null::jsonb, null::text where false)`} as v(id, workspace_id, type, subject_id, payload, request_id), moved
    )${options.also?.steps ?? sql``}
    select exists (select 1 from moved) as accepted, (select count(*)::int from fresh) as fresh,
      (select thread_id from moved) as thread_id, (select status from moved) as status,
      (select to_json(q) from queued q where q.state = 'sending') as sending,
      (select json_agg(s order by s.seq) from stored s) as stored${options.also ? sql`, ${options.also.columns}` : sql``}`;
}

/**
 * The platform's message changed at this time, in whichever conversation of its thread it stands. Returns the message as it
 * is now, or nothing when we do not know it, or know it as it was changed later.
 */
export async function edit(
  tx: Tx,
  threadId: string,
  change: { messageId: string; text: string; at: string },
): Promise<Message | undefined> {
  const { rows } = await tx.execute<MessageRow>(sql`
    update messages set text = ${change.text}, edited_at = ${change.at}::timestamptz
    where ${ofPlatform(threadId, change.messageId)} and deleted_at is null
      and (edited_at is null or edited_at <= ${change.at}::timestamptz) returning *`);
  const [row] = rows;
  if (row) await previewAgain(tx, row, preview(row.text, row.attachments));
  return row && presentMessage(row);
}

/** The customer took a message back: its words and files go, its place stays. */
export async function remove(tx: Tx, threadId: string, platformId: string): Promise<Message | undefined> {
  const { rows } = await tx.execute<MessageRow & { former: Attachment[] }>(sql`
    update messages m set text = '', attachments = '[]', payload = m.payload - array['location', 'details', 'template'],
      deleted_at = coalesce(m.deleted_at, ${tx.now})
    from (select id, attachments from messages where ${ofPlatform(threadId, platformId)} for update) b
    where m.id = b.id returning m.*, b.attachments as former`);
  const [row] = rows;
  if (!row) return undefined;
  await forgetFetchedFiles(tx, row.former);
  await previewAgain(tx, row, '');
  return presentMessage(row);
}

/** The list shows the newest message as it is now. */
async function previewAgain(tx: Tx, row: MessageRow, words: string): Promise<void> {
  if (row.private) return;
  await tx.execute(sql`
    update conversations set last_message_preview = ${words}, updated_at = ${tx.now}
    where id = ${row.conversation_id}::uuid and not exists (
      select 1 from messages where conversation_id = ${row.conversation_id}::uuid and ${since(row.conversation_id)}
        and seq > ${row.seq} and not private and author_type <> 'system')`);
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

/** Of one person per message there is one reaction at a time; `emoji` null takes it back. */
export async function react(
  tx: Tx,
  messageId: string,
  authorType: Author['type'],
  emoji: string | null,
): Promise<Message | undefined> {
  const added = emoji === null ? [] : [{ emoji, authorType }];
  const { rows } = await tx.execute<MessageRow>(sql`
    update messages set payload = jsonb_set(payload, '{reactions}',
      coalesce((select jsonb_agg(r) from jsonb_array_elements(coalesce(payload -> 'reactions', '[]')) r
        where r ->> 'authorType' <> ${authorType}), '[]') || ${storedJson(added)}::jsonb)
    where id = ${messageId}::uuid and deleted_at is null returning *`);
  return rows[0] && presentMessage(rows[0]);
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

/** Files that were fetched from the platform after the message was stored. */
export async function attach(
  tx: Tx,
  messageId: string,
  attachments: Attachment[],
  error?: string,
): Promise<Message | undefined> {
  const { rows } = await tx.execute<MessageRow>(sql`
    update messages set attachments = ${storedJson(attachments)}::jsonb, error = ${error ?? null}::text
    where id = ${messageId}::uuid and deleted_at is null returning *`);
  return rows[0] && presentMessage(rows[0]);
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
