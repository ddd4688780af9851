import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import { Id } from '@parley/contract';
import type { ChannelName, Contact } from '@parley/contract';
import { badCursor, notFound } from '../../platform/errors.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { iso } from '../messages/present.ts';

// Foreign tables: inboxes. A row and what it shows come in one statement.

/** A row if no token that names the visitor is good any more. */
export const endedVisitor = (inboxId: string, visitorId: string): SQL => sql`
  select 1 from contact_identities
  where inbox_id = ${inboxId}::uuid and external_id = ${visitorId} and ended_at is not null`;

/**
 * Whether the visitor has ended. Locks the row: an end that is being written is waited for, and a later one waits for this
 * transaction.
 */
export async function visitorHasEnded(tx: Tx, inboxId: string, visitorId: string): Promise<boolean> {
  const { rows } = await tx.execute<{ ended: boolean }>(sql`
    select ended_at is not null as ended from contact_identities
    where inbox_id = ${inboxId}::uuid and external_id = ${visitorId} for share`);
  return rows[0]?.ended ?? false;
}

/** Of these visitors those who have ended. */
export async function endedAmong(tx: Tx, inboxId: string, visitorIds: string[]): Promise<Set<string>> {
  const { rows } = await tx.execute<{ external_id: string }>(sql`
    select external_id from contact_identities
    where inbox_id = ${inboxId}::uuid and external_id = any(${sql.param(visitorIds)}::text[]) and ended_at is not null`);
  return new Set(rows.map((row) => row.external_id));
}

type ContactRow = {
  id: string;
  name: string;
  email: string | null;
  phone: string | null;
  language: string | null;
  tier: string;
  attributes: Record<string, unknown>;
  notes: string;
  user_id: string | null;
  unverified: Record<string, string>;
  created_at: string;
  last_seen_at: string;
  identities: { inboxId: string; channel: ChannelName; externalId: string; reachable: boolean }[] | null;
};

const present = (row: ContactRow): Contact => ({
  id: row.id,
  name: row.name,
  email: row.email,
  phone: row.phone,
  language: row.language,
  tier: row.tier,
  attributes: row.attributes,
  notes: row.notes,
  userId: row.user_id,
  unverified: row.unverified,
  identities: row.identities ?? [],
  createdAt: iso(row.created_at),
  lastSeenAt: iso(row.last_seen_at),
});

const rowsOf = (where: SQL, tail: SQL): SQL => sql`
  select c.*, (select json_agg(json_build_object('inboxId', t.inbox_id, 'channel', i.channel, 'externalId', t.external_id,
      'reachable', t.reachable)) from contact_identities t join inboxes i on i.id = t.inbox_id where t.contact_id = c.id) as identities,
    (select t.user_id from contact_identities t where t.contact_id = c.id and t.user_id is not null order by t.id limit 1) as user_id
  from contacts c where c.deleted_at is null and ${where} ${tail}`;

/** @throws not-found, also for a contact of another workspace */
export async function findContact(tx: Tx, id: string): Promise<Contact> {
  const { rows } = await tx.execute<ContactRow>(rowsOf(sql`c.id = ${id}::uuid`, sql``));
  if (!rows[0]) throw notFound('The contact');
  return present(rows[0]);
}

/** Newest first; a cursor is the id of the last one shown (ids sort by time). */
export async function listContacts(
  tx: Tx,
  query: { cursor?: string; limit: number; q?: string },
): Promise<{ contacts: Contact[]; nextCursor: string | null }> {
  const where: SQL[] = [];
  if (query.cursor) {
    if (!Id.safeParse(query.cursor).success) throw badCursor();
    where.push(sql`c.id < ${query.cursor}::uuid`);
  }
  if (query.q?.trim()) {
    const pattern = `%${query.q.trim().replace(/[\\%_]/g, (character) => `\\${character}`)}%`;
    where.push(sql`(c.name ilike ${pattern} or c.email ilike ${pattern} or c.phone ilike ${pattern})`);
  }
  const { rows } = await tx.execute<ContactRow>(
    rowsOf(
      where.length > 0 ? sql.join(where, sql` and `) : sql`true`,
      sql`order by c.id desc limit ${query.limit + 1}`,
    ),
  );
  const shown = rows.slice(0, query.limit).map(present);
  return { contacts: shown, nextCursor: rows.length > query.limit ? (shown.at(-1)?.id ?? null) : null };
}
