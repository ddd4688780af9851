import { MAX_QUEUE_IN_EVENT } from '@parley/contract';
import { sql } from 'drizzle-orm';
import type { ChannelName, Handoff, HandoffReason, Priority } from '@parley/contract';
import type { Tx } from '../../platform/data/tenant.ts';
import { iso } from '../messages/present.ts';

// Foreign tables: contacts, conversations, inboxes. A row and what it shows come in one statement.

type HandoffRow = {
  id: string;
  conversation_id: string;
  reason: HandoffReason;
  reason_detail: string | null;
  priority: Priority;
  position: number;
  waiting_since: string;
  question: string | null;
  attempt: string | null;
  contact_id: string;
  contact_name: string;
  inbox_id: string;
  inbox_name: string;
  channel: ChannelName;
  average_wait: string | number | null;
};

/** Before anybody was ever picked up, a place in the queue is taken for two minutes. */
const UNKNOWN_SECONDS_PER_PLACE = 120;

/**
 * The queue in its order: priority first, oldest first inside it. The expected wait is what the last 20 waited on
 * average, a place at a time.
 */
export async function listQueue(tx: Tx, limit = MAX_QUEUE_IN_EVENT): Promise<Handoff[]> {
  const { rows } = await tx.execute<HandoffRow>(sql`
    with recent as (
      select extract(epoch from picked_up_at - waiting_since) as waited from handoffs
      where picked_up_at is not null order by picked_up_at desc limit 20
    )
    select h.id, h.conversation_id, h.reason, h.reason_detail, h.priority, h.waiting_since, h.question, h.attempt,
      (row_number() over (order by h.priority_rank, h.waiting_since, h.id))::int as position,
      p.id as contact_id, p.name as contact_name, i.id as inbox_id, i.name as inbox_name, i.channel,
      (select avg(waited) from recent) as average_wait
    from handoffs h join conversations c on c.id = h.conversation_id
    join contacts p on p.id = c.contact_id join inboxes i on i.id = c.inbox_id
    where h.status = 'waiting' order by position limit ${limit}`);
  return rows.map((row) => {
    const perPlace =
      row.average_wait === null ? UNKNOWN_SECONDS_PER_PLACE : Math.min(900, Math.max(20, Number(row.average_wait)));
    return {
      id: row.id,
      conversationId: row.conversation_id,
      reason: row.reason,
      reasonDetail: row.reason_detail,
      priority: row.priority,
      position: row.position,
      expectedWaitSeconds: Math.round(perPlace * row.position),
      waitingSince: iso(row.waiting_since),
      question: row.question,
      attempt: row.attempt,
      contact: { id: row.contact_id, name: row.contact_name },
      inbox: { id: row.inbox_id, name: row.inbox_name, channel: row.channel },
    };
  });
}

/** Where one conversation stands in the queue; undefined when it does not wait. */
export async function placeInQueue(tx: Tx, conversationId: string): Promise<Handoff | undefined> {
  return (await listQueue(tx, 1000)).find((handoff) => handoff.conversationId === conversationId);
}
