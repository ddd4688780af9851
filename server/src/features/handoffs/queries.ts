import { Id, MAX_QUEUE_IN_EVENT } from '@parley/contract';
import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { ChannelName, ExpectedWait, Handoff, HandoffReason, Priority } from '@parley/contract';
import { badCursor } from '../../platform/errors.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { iso } from '../messages/present.ts';

// Foreign tables: contacts, conversations, inboxes. A row and what it shows come in one statement.

type PlaceRow = {
  conversation_id: string;
  reason: HandoffReason;
  position: number;
  place_seconds: number | null;
  place_seconds_upper: number | null;
};
type HandoffRow = PlaceRow & {
  id: string;
  reason_detail: string | null;
  priority: Priority;
  waiting_since: string;
  question: string | null;
  attempt: string | null;
  contact_id: string;
  contact_name: string;
  inbox_id: string;
  inbox_name: string;
  channel: ChannelName;
};

/** Where somebody stands and how long it may take. */
export type QueuePlace = {
  conversationId: string;
  reason: HandoffReason;
  position: number;
  expectedWait: ExpectedWait | null;
  expectedWaitSeconds: number | null;
};

/**
 * A place at a time, by what a place took when this one began to wait: it grows only while others get a place before.
 */
function presentPlace(row: PlaceRow): QueuePlace {
  const { position, place_seconds: usual, place_seconds_upper: longer } = row;
  const expectedWait =
    usual === null || longer === null
      ? null
      : { minSeconds: Math.round(usual * position), maxSeconds: Math.round(longer * position) };
  return {
    conversationId: row.conversation_id,
    reason: row.reason,
    position,
    expectedWait,
    expectedWaitSeconds: expectedWait && Math.round((expectedWait.minSeconds + expectedWait.maxSeconds) / 2),
  };
}

const presentHandoff = (row: HandoffRow): Handoff => ({
  id: row.id,
  ...presentPlace(row),
  reasonDetail: row.reason_detail,
  priority: row.priority,
  waitingSince: iso(row.waiting_since),
  question: row.question,
  attempt: row.attempt,
  contact: { id: row.contact_id, name: row.contact_name },
  inbox: { id: row.inbox_id, name: row.inbox_name, channel: row.channel },
});

/** The order of the queue: priority first, oldest first inside it. */
const inOrder = (of: SQL): SQL => sql`${of}.priority_rank, ${of}.waiting_since, ${of}.id`;
const key = (of: SQL): SQL => sql`(${inOrder(of)})`;

/** `waiting` gives rows of `handoffs` with their `position`. */
const rowsOf = (waiting: SQL): SQL => sql`
  select h.id, h.conversation_id, h.reason, h.reason_detail, h.priority, h.waiting_since, h.question, h.attempt,
    h.place_seconds, h.place_seconds_upper, h.position::int as position,
    p.id as contact_id, p.name as contact_name, i.id as inbox_id, i.name as inbox_name, i.channel
  from (${waiting}) h join conversations c on c.id = h.conversation_id
  join contacts p on p.id = c.contact_id join inboxes i on i.id = c.inbox_id order by h.position`;

/** The first of the queue. */
export async function listQueue(tx: Tx, limit = MAX_QUEUE_IN_EVENT): Promise<Handoff[]> {
  const { rows } = await tx.execute<HandoffRow>(
    rowsOf(sql`
      select o.*, row_number() over (order by ${inOrder(sql`o`)}) as position from handoffs o
      where o.status = 'waiting' order by ${inOrder(sql`o`)} limit ${limit}`),
  );
  return rows.map(presentHandoff);
}

export async function countQueue(tx: Tx): Promise<number> {
  const { rows } = await tx.execute<{ total: number }>(
    sql`select count(*)::int as total from handoffs where status = 'waiting'`,
  );
  return rows[0]?.total ?? 0;
}

/**
 * A page of the queue. A cursor is the last one's id: its place in the order stays known when it no longer waits.
 */
export async function pageOfQueue(
  tx: Tx,
  { cursor, limit }: { cursor?: string | undefined; limit: number },
): Promise<{ handoffs: Handoff[]; nextCursor: string | null; total: number }> {
  if (cursor !== undefined && !Id.safeParse(cursor).success) throw badCursor();
  const total = await countQueue(tx);
  if (cursor === undefined) {
    const handoffs = await listQueue(tx, limit);
    return { handoffs, nextCursor: nextAfter(handoffs, limit, total), total };
  }
  const { rows: known } = await tx.execute<{ before: number }>(sql`
    select (select count(*)::int from handoffs o where o.status = 'waiting' and ${key(sql`o`)} <= ${key(sql`l`)}) as before
    from handoffs l where l.id = ${cursor}::uuid`);
  if (!known[0]) throw badCursor();
  const { rows } = await tx.execute<HandoffRow>(
    rowsOf(sql`
      select o.*, ${known[0].before} + row_number() over (order by ${inOrder(sql`o`)}) as position
      from handoffs o, handoffs l where l.id = ${cursor}::uuid and o.status = 'waiting' and ${key(sql`o`)} > ${key(sql`l`)}
      order by ${inOrder(sql`o`)} limit ${limit}`),
  );
  const handoffs = rows.map(presentHandoff);
  return { handoffs, nextCursor: nextAfter(handoffs, limit, total), total };
}

const nextAfter = (shown: Handoff[], limit: number, total: number): string | null => {
  const last = shown.at(-1);
  return last && shown.length === limit && last.position < total ? last.id : null;
};

/** Everybody's place behind the first `after`, in order. */
export async function listPlaces(tx: Tx, after: number): Promise<QueuePlace[]> {
  const { rows } = await tx.execute<PlaceRow>(sql`
    select o.conversation_id, o.reason, o.place_seconds, o.place_seconds_upper,
      (row_number() over (order by ${inOrder(sql`o`)}))::int as position
    from handoffs o where o.status = 'waiting' order by ${inOrder(sql`o`)} offset ${after}`);
  return rows.map(presentPlace);
}

/** Where one conversation stands in the queue; undefined when it does not wait. */
export async function placeInQueue(tx: Tx, conversationId: string): Promise<Handoff | undefined> {
  const { rows } = await tx.execute<HandoffRow>(
    rowsOf(sql`
      select w.*, (select count(*) from handoffs o where o.status = 'waiting' and ${key(sql`o`)} <= ${key(sql`w`)}) as position
      from handoffs w where w.conversation_id = ${conversationId}::uuid and w.status = 'waiting'`),
  );
  return rows[0] && presentHandoff(rows[0]);
}
