import type { DeskReport } from './desk.ts';
import type { Said } from './customers.ts';
import type { Happening } from './faults.ts';
import type { Ending, Fleet } from './fleet.ts';
import type { PeerReport } from './peer.ts';
import type { Seen } from './visitors.ts';

export type EventRow = {
  id: string;
  platformId: string;
  thread: string;
  seq: number;
  dead: boolean;
  error: string | null;
};
export type MessageRow = {
  id: string;
  conversationId: string;
  thread: string;
  channel: string;
  seq: number;
  author: string;
  text: string;
  turnId: string | null;
  ordinal: number | null;
  clientId: string | null;
  private: boolean;
  files: number;
  /** milliseconds of the database's clock */
  at: number;
};
export type DeliveryRow = {
  messageId: string;
  thread: string;
  seq: number;
  state: string;
  error: string | null;
  platformIds: string[];
};
export type HandoffRow = { id: string; conversationId: string; endedAt: number | null };
export type FactRow = { subjectId: string; type: string; relayed: boolean };
/** Conversations by their thread and the order in which they were opened. */
export type ConversationRow = { id: string; thread: string; createdAt: number };

/** All that is known at the end, from the outside and from the tables. What follows from it is said in invariants.ts. */
export type Evidence = {
  said: Said[];
  visitors: Seen[];
  desks: DeskReport[];
  peer: Omit<PeerReport, 'kind'>;
  happenings: Happening[];
  /** processes that ended while the suite ran */
  endings: Ending[];
  events: EventRow[];
  conversations: ConversationRow[];
  messages: MessageRow[];
  deliveries: DeliveryRow[];
  handoffs: HandoffRow[];
  facts: FactRow[];
  /** what is not ended, by what it is */
  left: Record<string, number>;
};

const LEFT = `select
  (select count(*)::int from inbound_events where processed_at is null and dead_at is null) as "pending events",
  (select count(*)::int from turns where status = 'running') as "running turns",
  (select count(*)::int from threads where lease_until > now()) as "held threads",
  (select count(*)::int from deliveries where state in ('pending', 'sending')) as "unsent messages",
  (select count(*)::int from outbox where relayed_at is null) as "facts not relayed",
  (select count(*)::int from messages m join outbox o on o.subject_id = m.id and o.type = 'message.received' and (o.payload ->> 'files')::int > 0
    where m.attachments = '[]') as "files not fetched"`;

/** What is still under way; a stuck conversation is one of these that stays. */
export async function readLeft(query: Fleet['query']): Promise<Record<string, number>> {
  const [row] = await query<Record<string, number>>(LEFT);
  return row ?? {};
}

/** The tables' part of the evidence. */
export async function readTables(
  query: Fleet['query'],
): Promise<Pick<Evidence, 'events' | 'conversations' | 'messages' | 'deliveries' | 'handoffs' | 'facts' | 'left'>> {
  const threadOf = `i.channel || ' ' || t.thread_key`;
  const events = await query<EventRow>(
    `select e.id::text, e.platform_id as "platformId", i.channel || ' ' || e.thread_key as thread, e.seq::int,
      e.dead_at is not null as dead, e.error from inbound_events e join inboxes i on i.id = e.inbox_id order by e.seq`,
  );
  const conversations = await query<ConversationRow>(
    `select c.id::text, ${threadOf} as thread, (extract(epoch from c.created_at) * 1000)::float8 as "createdAt"
     from conversations c join threads t on t.id = c.thread_id join inboxes i on i.id = c.inbox_id order by c.created_at, c.id`,
  );
  const messages = await query<MessageRow>(
    `select m.id::text, m.conversation_id::text as "conversationId", ${threadOf} as thread, i.channel, m.seq::int,
      m.author_type as author, m.text, m.turn_id::text as "turnId", m.ordinal, m.client_id as "clientId", m.private,
      jsonb_array_length(m.attachments) as files, (extract(epoch from m.created_at) * 1000)::float8 as at
     from messages m join conversations c on c.id = m.conversation_id join threads t on t.id = c.thread_id
     join inboxes i on i.id = c.inbox_id order by c.created_at, c.id, m.seq`,
  );
  const deliveries = await query<DeliveryRow>(
    `select d.message_id::text as "messageId", ${threadOf} as thread, d.seq::int, d.state, d.error, d.platform_ids as "platformIds"
     from deliveries d join threads t on t.id = d.thread_id join inboxes i on i.id = d.inbox_id order by d.seq`,
  );
  const handoffs = await query<HandoffRow>(
    `select id::text, conversation_id::text as "conversationId", (extract(epoch from ended_at) * 1000)::float8 as "endedAt" from handoffs`,
  );
  const facts = await query<FactRow>(
    `select subject_id::text as "subjectId", type, relayed_at is not null as relayed from outbox`,
  );
  return { events, conversations, messages, deliveries, handoffs, facts, left: await readLeft(query) };
}
