import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import { Id } from '@parley/contract';
import type {
  Conversation,
  ConversationCounts,
  ConversationQuery,
  ConversationStatus,
  ViewCounts,
} from '@parley/contract';
import { badCursor, notFound } from '../../platform/errors.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { isoOrNull } from '../messages/present.ts';
import { presentConversation } from './present.ts';
import type { ConversationRow } from './present.ts';

export { effectsOfBot, effectsOfInbox, effectsOfMember } from './closing.ts';

// Foreign tables: contacts, handoffs, inboxes, messages, users. A row and what it shows come in one statement.

/** `where` and `tail` are about the conversation alone: only what is shown gets its names looked up. */
const rowsOf = (where: SQL, tail: SQL): SQL => sql`
  select c.*, i.name as inbox_name, i.channel as inbox_channel,
    i.deleted_at is not null as inbox_deleted, i.settings as inbox_settings, p.name as contact_name, p.email as contact_email,
    p.tier as contact_tier, u.name as assignee_name, h.id as handoff_id, h.reason as handoff_reason,
    h.reason_detail as handoff_detail, h.waiting_since, asked.said as asked, ours.failed as send_failed
  from (select * from conversations c where ${where} ${tail}) c
  join inboxes i on i.id = c.inbox_id
  join contacts p on p.id = c.contact_id
  left join users u on u.id = c.assignee_id
  left join handoffs h on h.conversation_id = c.id and h.status = 'waiting'
  left join lateral (
    select json_build_object('text', left(m.text, 400), 'attachments', m.attachments) as said from messages m
    where m.conversation_id = c.id and m.id >= c.messages_from and m.author_type = 'contact' and m.deleted_at is null
    order by m.seq desc limit 1) asked on c.last_message_author <> 'contact'
  left join lateral (
    select m.status = 'failed' as failed from messages m
    where m.conversation_id = c.id and m.id >= c.messages_from and m.author_type in ('agent', 'bot') and not m.private
    order by m.seq desc limit 1) ours on true ${tail}`;

/** @throws not-found, also for a conversation of another workspace */
export async function findConversation(tx: Tx, id: string): Promise<Conversation> {
  const { rows } = await tx.execute<ConversationRow>(rowsOf(sql`c.id = ${id}::uuid`, sql``));
  if (!rows[0]) throw notFound('The conversation');
  return presentConversation(rows[0], tx.now);
}

/** The same as a transaction of its own. */
export async function readConversation(store: Store, workspaceId: string, id: string): Promise<Conversation> {
  const [row] = await store.once<ConversationRow>(workspaceId, rowsOf(sql`c.id = ${id}::uuid`, sql``));
  if (!row) throw notFound('The conversation');
  return presentConversation(row, store.clock.now());
}

/** @throws not found where the workspace has no such conversation */
export async function assertConversation(store: Store, workspaceId: string, id: string): Promise<void> {
  const [row] = await store.once(workspaceId, sql`select 1 from conversations where id = ${id}::uuid`);
  if (!row) throw notFound('The conversation');
}

// A cursor is the place in the order (last_message_at, id): ties cannot be skipped or shown twice. The column has
// milliseconds, as a Date has, so a cursor names its row exactly.
const writeCursor = (row: { last_message_at: Date | string; id: string }): string =>
  Buffer.from(`${new Date(row.last_message_at).toISOString()} ${row.id}`).toString('base64url');
const readCursor = (cursor: string): { at: string; id: string } => {
  const [at = '', id = ''] = Buffer.from(cursor, 'base64url').toString('utf8').split(' ');
  const moment = new Date(at);
  // Written by us or by nobody: what only looks like a moment (30 February, the year 0) the database refuses.
  const isOurs = !Number.isNaN(moment.getTime()) && moment.toISOString() === at && /^(?!0000)\d{4}-/.test(at);
  if (!isOurs || !Id.safeParse(id).success) throw badCursor();
  return { at, id };
};
type Place = { at: string; id: string };

/** Where a conversation stands in the order; undefined where the workspace has none of this id. */
async function placeOf(tx: Tx, id: string): Promise<Place | undefined> {
  const { rows } = await tx.execute<{ last_message_at: Date | string; id: string }>(
    sql`select last_message_at, id from conversations where id = ${id}::uuid`,
  );
  return rows[0] && { at: new Date(rows[0].last_message_at).toISOString(), id };
}

/** Newest first. `userId` is who asks, for `assigneeId=me`. */
export async function listConversations(
  tx: Tx,
  userId: string,
  query: ConversationQuery,
): Promise<{ conversations: Conversation[]; nextCursor: string | null }> {
  const where: SQL[] = [];
  if (query.status?.length)
    where.push(
      sql`c.status in (${sql.join(
        query.status.map((s) => sql`${s}`),
        sql`, `,
      )})`,
    );
  if (query.inboxId) where.push(sql`c.inbox_id = ${query.inboxId}::uuid`);
  if (query.contactId) where.push(sql`c.contact_id = ${query.contactId}::uuid`);
  if (query.assigneeId === 'none') where.push(sql`c.assignee_id is null`);
  else if (query.assigneeId)
    where.push(sql`c.assignee_id = ${query.assigneeId === 'me' ? userId : query.assigneeId}::uuid`);
  if (query.label) where.push(sql`${query.label} = any(c.labels)`);
  const words = query.q?.trim();
  if (words) {
    const pattern = likePattern(words);
    // An array is found once and looked up by its hash. A join would be planned for the one row the planner expects.
    where.push(sql`c.id = any(array(
      select conversations_with(search_query('simple', ${words}))
      union select o.id from conversations o join contacts q on q.id = o.contact_id
        where q.deleted_at is null and (q.name ilike ${pattern} or q.email ilike ${pattern})))`);
  }
  const isUpwards = query.above !== undefined;
  const named = query.above ?? query.from;
  const place = query.cursor ? readCursor(query.cursor) : named ? await placeOf(tx, named) : undefined;
  if (named && !place) return { conversations: [], nextCursor: null };
  if (place) {
    const comparison = isUpwards ? sql`>` : query.cursor ? sql`<` : sql`<=`;
    where.push(sql`(c.last_message_at, c.id) ${comparison} (${place.at}::timestamptz, ${place.id}::uuid)`);
  }
  const order = isUpwards ? sql`c.last_message_at, c.id` : sql`c.last_message_at desc, c.id desc`;
  const { rows } = await tx.execute<ConversationRow>(
    rowsOf(where.length > 0 ? sql.join(where, sql` and `) : sql`true`, sql`order by ${order} limit ${query.limit + 1}`),
  );
  const shown = rows.slice(0, query.limit);
  const last = shown.at(-1);
  if (isUpwards) shown.reverse();
  return {
    conversations: shown.map((row) => presentConversation(row, tx.now)),
    nextCursor: rows.length > query.limit && last ? writeCursor(last) : null,
  };
}

const likePattern = (words: string): string => `%${words.replace(/[\\%_]/g, (character) => `\\${character}`)}%`;

type Group = { inbox_id: string; status: ConversationStatus; owner: 'me' | 'nobody' | 'other'; many: number };

const none: ViewCounts = {
  mine: 0,
  unassigned: 0,
  waiting: 0,
  bot: 0,
  agent: 0,
  snoozed: 0,
  resolved: 0,
  open: 0,
  all: 0,
};
function add(to: ViewCounts, { status, owner, many }: Group): void {
  to[status] += many;
  to.all += many;
  if (status === 'bot' || status === 'waiting' || status === 'agent') to.open += many;
  if (status === 'agent' && owner === 'me') to.mine += many;
  if ((status === 'waiting' || status === 'agent') && owner === 'nobody') to.unassigned += many;
}

/** The numbers beside the views, from indexes alone: each is how many its view lists. */
export async function countConversations(tx: Tx, userId: string): Promise<ConversationCounts> {
  const { rows: oldest } = await tx.execute<{ since: Date | string | null }>(
    sql`select min(waiting_since) as since from handoffs where status = 'waiting'`,
  );
  const { rows } = await tx.execute<Group>(sql`
    select inbox_id, status,
      case when assignee_id is null then 'nobody' when assignee_id = ${userId}::uuid then 'me' else 'other' end as owner,
      count(*)::int as many
    from conversations where status <> 'resolved' group by 1, 2, 3
    union all
    select inbox_id, 'resolved', 'other', count(*)::int from conversations where status = 'resolved' group by 1`);
  const counts: ConversationCounts = { ...none, waitingSince: isoOrNull(oldest[0]?.since ?? null), inboxes: [] };
  const byInbox = new Map<string, ViewCounts & { inboxId: string }>();
  for (const row of rows) {
    const inbox = byInbox.get(row.inbox_id) ?? { ...none, inboxId: row.inbox_id };
    byInbox.set(row.inbox_id, inbox);
    add(counts, row);
    add(inbox, row);
  }
  counts.inboxes = [...byInbox.values()];
  return counts;
}
