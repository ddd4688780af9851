import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import { cleanText } from '@parley/contract';
import type {
  Attachment,
  Author,
  Citation,
  ConversationStatus,
  MessageContentType,
  MessageStatus,
} from '@parley/contract';
import type { MessagePayload } from '../../db/schema/index.ts';
import { newId } from '../../platform/data/ids.ts';
import { storedJson } from '../../platform/data/stored-json.ts';
import type { Fact } from '../../platform/facts/define.ts';
import { factValues } from '../../platform/facts/record.ts';
import { carried } from '../../platform/telemetry/tracing.ts';
import type { MessageRow } from './present.ts';
import { since } from './queries.ts';

// Foreign tables: conversations, deliveries, outbox, threads. A message, its delivery and its fact are one statement.
// Real time (1): leases of deliveries.

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

/** What must hold at the moment of writing; checked in the writing statement itself, under row locks. */
export type Guard = {
  /** the conversation's state must still be this (or one of these): a bot's words are refused once a human owns it */
  status?: ConversationStatus | ConversationStatus[];
  /** not resolved: a customer's words never end in a conversation nobody looks at */
  open?: true;
  /** the fencing token of the thread's lease: a paused holder's late words are refused */
  lease?: { threadId: string; token: number };
};

export type Target = { workspaceId: string; conversationId: string };
export type Options = {
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
export type AppendedRow = {
  accepted: boolean;
  fresh: number;
  thread_id: string | null;
  status: ConversationStatus | null;
  stored: MessageRow[] | null;
  sending: { id: string; message_id: string } | null;
};

const PREVIEW_LENGTH = 140;
/** What the list of conversations shows of it. */
export const preview = (text: string, attachments: Attachment[]): string =>
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

/** Stores messages that are not there yet, with what belongs to them. */
export function appendStatement(now: Date, target: Target, messages: NewMessage[], options: Options): SQL {
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
  const status = guard?.status
    ? sql`status = any(${sql.param([guard.status].flat())}::text[])`
    : guard?.open
      ? sql`status <> 'resolved'`
      : sql`true`;

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
