import { sql } from 'drizzle-orm';
import { cleanText } from '@parley/contract';
import type { ConversationStatus } from '@parley/contract';
import type { Inbound } from '../channels/contract.ts';
import type { Store } from '../platform/data/tenant.ts';

// Foreign tables: contact_identities, conversations. The thread of a person, and what its holder has to know, are one statement each.
// Real time (2): for how long an event waits, and when it was given up.

/** The topic of a thread with pending inbound events (platform/cluster/wake.ts). */
export const THREAD = 'thread';
export type ThreadKey = { workspaceId: string; inboxId: string; threadKey: string };

export const writeThreadKey = (key: ThreadKey): string => `${key.workspaceId} ${key.inboxId} ${key.threadKey}`;
export const readThreadKey = (text: string): ThreadKey => {
  const [workspaceId = '', inboxId = '', ...rest] = text.split(' ');
  return { workspaceId, inboxId, threadKey: rest.join(' ') };
};

/**
 * The thread each event belongs to, where the platform names one person in several ways: the thread of a person who is
 * known by any of the ids is taken, whichever of them came this time. Ids that are all known already are left out of what
 * is stored. Costs one statement, and none for events whose sender has one id.
 */
export async function resolveThreads(
  store: Store,
  inbox: { id: string; workspaceId: string },
  events: Inbound[],
): Promise<Inbound[]> {
  const idsOf = ({ sender, ...event }: Inbound): string[] => [
    sender.externalId,
    ...(sender.otherIds ?? []),
    ...(event.kind === 'identity' ? [event.previousId] : []),
    ...(sender.spellings ?? []),
  ];
  const several = events.filter(({ sender }) => sender.otherIds !== undefined || sender.spellings !== undefined);
  if (several.length === 0) return events;
  const isSeveral = new Set(several);
  const ids = [...new Set(several.flatMap(idsOf))];
  const rows = await store.once<{ external_id: string; contact_id: string; thread_key: string | null }>(
    inbox.workspaceId,
    sql`
    select i.external_id, i.contact_id, (
      select t.thread_key from threads t where t.inbox_id = i.inbox_id and t.contact_id = i.contact_id order by t.id limit 1
    ) as thread_key
    from contact_identities i where i.inbox_id = ${inbox.id}::uuid and i.external_id = any(${sql.param(ids)}::text[])`,
  );
  const known = new Map(rows.map((row) => [row.external_id, row]));
  // Two first events of one batch may name a person by different ids: the first one's key counts for all that share an id.
  const begun = new Map<string, string>();
  return events.map((event) => {
    if (!isSeveral.has(event)) return event;
    const own = idsOf(event);
    const threadKey =
      own.map((id) => known.get(id)?.thread_key ?? begun.get(id)).find((key) => key != null) ?? event.threadKey;
    for (const id of own) begun.set(id, threadKey);
    const { otherIds = [], spellings: _spellings, ...sender } = event.sender;
    const named = [sender.externalId, ...otherIds].map((id) => known.get(id)?.contact_id);
    const isKnown = named.every((contact) => contact !== undefined);
    return { ...event, threadKey, sender: isKnown ? sender : event.sender };
  });
}

export type PendingEvent = {
  id: string;
  seq: number;
  attempts: number;
  /** what `carried` left: the id of the request, maybe with its trace */
  requestId: string | null;
  /** milliseconds since 1970, by the database's clock */
  receivedAt?: number | undefined;
  /** milliseconds since then, by the database's clock */
  ageMs?: number;
  event: Inbound;
};

export type OpenConversation = { id: string; status: ConversationStatus; botId: string | null; contactId: string };

export type Mailbox = {
  events: PendingEvent[];
  /** the thread's open conversation, if any */
  conversation: OpenConversation | undefined;
  /** a turn that was begun and not finished: it is continued with its own events first */
  interrupted: { id: string; lastEventSeq: number; conversationId: string } | undefined;
};

/** A burst is worked off in rounds. */
const ROUND = 100;
/** Characters of one round, unless a single message has more: one person's flood is stored in statements of a short time. */
const ROUND_CHARACTERS = 200_000;

/** Condition: waits in this mailbox. */
export const pendingEvents = (key: ThreadKey) =>
  sql`inbox_id = ${key.inboxId}::uuid and thread_key = ${key.threadKey} and processed_at is null and dead_at is null`;

/** What waits in the mailbox, and the conversation it belongs to, as two columns. */
export const mailboxColumns = (key: ThreadKey) => sql`
  (select json_agg(e) from (
    select id, seq, attempts, request_id, received_at, payload, extract(epoch from now() - received_at) * 1000 as age_ms from (
      select p.*, sum(length(payload ->> 'text')) over (order by seq) - coalesce(length(payload ->> 'text'), 0) as characters_before
      from (
        select id, seq, attempts, request_id, received_at, payload from inbound_events where ${pendingEvents(key)}
        order by seq limit ${ROUND}) p) sized
    where coalesce(characters_before, 0) < ${ROUND_CHARACTERS} order by seq) e) as events,
  (select to_json(c) from (
    select v.id, v.status, v.bot_id, v.contact_id from conversations v join threads t on t.id = v.thread_id
    where t.inbox_id = ${key.inboxId}::uuid and t.thread_key = ${key.threadKey} and v.status <> 'resolved') c) as conversation,
  (select to_json(r) from (
    select u.id, u.last_event_seq, u.conversation_id from turns u join threads t on t.id = u.thread_id
    where t.inbox_id = ${key.inboxId}::uuid and t.thread_key = ${key.threadKey} and u.status = 'running'
    order by u.last_event_seq limit 1) r) as interrupted`;

export type MailboxRow = {
  events:
    | {
        id: string;
        seq: number;
        attempts: number;
        request_id: string | null;
        received_at: string;
        age_ms: number;
        payload: Inbound;
      }[]
    | null;
  conversation: { id: string; status: ConversationStatus; bot_id: string | null; contact_id: string } | null;
  interrupted: { id: string; last_event_seq: number; conversation_id: string } | null;
};

export const readMailboxRow = ({ events, conversation, interrupted }: MailboxRow): Mailbox => ({
  interrupted: interrupted
    ? {
        id: interrupted.id,
        lastEventSeq: Number(interrupted.last_event_seq),
        conversationId: interrupted.conversation_id,
      }
    : undefined,
  events: (events ?? []).map((event) => ({
    id: event.id,
    seq: Number(event.seq),
    attempts: event.attempts,
    requestId: event.request_id,
    receivedAt: Date.parse(event.received_at),
    ageMs: event.age_ms,
    event: event.payload,
  })),
  conversation: conversation
    ? {
        id: conversation.id,
        status: conversation.status,
        botId: conversation.bot_id,
        contactId: conversation.contact_id,
      }
    : undefined,
});

export async function readMailbox(store: Store, key: ThreadKey): Promise<Mailbox> {
  const [row] = await store.once<MailboxRow>(key.workspaceId, sql`select ${mailboxColumns(key)}`);
  return row ? readMailboxRow(row) : { events: [], conversation: undefined, interrupted: undefined };
}

/** Counts a failed try. `dead`: it was the last one; the events are dead-lettered with the error, and the thread goes on. */
export async function countFailure(
  store: Store,
  workspaceId: string,
  ids: string[],
  error: string,
  dead: boolean,
): Promise<void> {
  await store.once(
    workspaceId,
    sql`
    update inbound_events set attempts = attempts + 1, error = ${cleanText(error).slice(0, 1000)},
      dead_at = ${dead ? sql`now()` : sql`null`}
    where id = any(${sql.param(ids)}::uuid[])`,
  );
}
