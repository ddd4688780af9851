import { and, eq, isNull, sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { Sender } from '../../channels/contract.ts';
import { z } from 'zod';
import { contacts } from '../../db/schema/index.ts';
import { conflict, notFound } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import { storedJson } from '../../platform/data/stored-json.ts';
import type { Tx } from '../../platform/data/tenant.ts';

// Foreign tables: conversations, threads. A visitor who turns out to be a known customer takes what they wrote along.

/** Who wrote, as the channel tells it. Nothing of it is proof of identity. */
export type Person = Sender;

const nameOf = (person: Person): string => person.name?.trim() || person.username?.trim() || person.email || 'Visitor';

/**
 * The contact behind a platform identity of one inbox, made at the first message. Two first messages at once make one
 * contact: the unique identity decides. An e-mail a visitor types is kept as said and never merges two people (attack 12).
 */
export async function resolveContact(tx: Tx, workspaceId: string, inboxId: string, person: Person): Promise<string> {
  const ids = [person.externalId, ...(person.otherIds ?? []), ...(person.spellings ?? [])];
  const known = await tx.execute<{ contact_id: string }>(sql`
    update contacts c set last_seen_at = ${tx.now} from (
      select contact_id from contact_identities
      where inbox_id = ${inboxId}::uuid and external_id = any(${sql.param(ids)}::text[])
      order by array_position(${sql.param(ids)}::text[], external_id) limit 1) i
    where c.id = i.contact_id
    returning c.id as contact_id`);
  if (known.rows[0]) {
    const { contact_id: contactId } = known.rows[0];
    if (ids.length > 1) await noteIdentities(tx, workspaceId, inboxId, contactId, person);
    return contactId;
  }
  const contactId = newId();
  const { rows } = await tx.execute<{ contact_id: string }>(sql`
    with identity as (
      insert into contact_identities (id, workspace_id, contact_id, inbox_id, external_id, profile)
      values (${newId()}::uuid, ${workspaceId}::uuid, ${contactId}::uuid, ${inboxId}::uuid, ${person.externalId},
        ${profileOf(person)}::jsonb)
      on conflict (inbox_id, external_id) do update set external_id = excluded.external_id
      returning contact_id
    ), made as (
      insert into contacts (id, workspace_id, name, email, phone, language, created_at, last_seen_at)
      select contact_id, ${workspaceId}::uuid, ${nameOf(person)}, ${person.email ?? null}::text, ${person.phone ?? null}::text,
        ${person.language ?? null}::text, ${tx.now}::timestamptz, ${tx.now}::timestamptz from identity where contact_id = ${contactId}::uuid
    )
    select contact_id from identity`);
  const row = rows[0];
  if (!row) throw new Error('a contact identity was neither found nor made');
  if (person.otherIds?.length) await noteIdentities(tx, workspaceId, inboxId, row.contact_id, person);
  return row.contact_id;
}

/**
 * Every id the person came with is theirs from now on, unless it is somebody else's already: people alone merge contacts.
 * An older way of writing the id gives way to the one that arrived.
 */
export async function noteIdentities(
  tx: Tx,
  workspaceId: string,
  inboxId: string,
  contactId: string,
  person: Person,
): Promise<void> {
  if (person.spellings?.length) {
    await tx.execute(sql`
      update contact_identities i set external_id = ${person.externalId}
      where i.inbox_id = ${inboxId}::uuid and i.external_id = any(${sql.param(person.spellings)}::text[])
        and i.contact_id = ${contactId}::uuid and not exists (
          select 1 from contact_identities o where o.inbox_id = ${inboxId}::uuid and o.external_id = ${person.externalId})`);
  }
  for (const id of [...(person.otherIds ?? []), person.externalId]) {
    await tx.execute(sql`
      insert into contact_identities (id, workspace_id, contact_id, inbox_id, external_id)
      values (${newId()}::uuid, ${workspaceId}::uuid, ${contactId}::uuid, ${inboxId}::uuid, ${id})
      on conflict (inbox_id, external_id) do nothing`);
  }
}

/** What a platform tells of a person, kept with the identity: by it a later word of the platform is told from an agent's. */
const profileOf = ({ name, username, phone, metadata }: Person): string =>
  storedJson({ name, username, phone, metadata });

/** Condition: the platform tells of one of these people what is not known yet. */
export const tellsNews = (inboxId: string, people: Person[]): SQL => sql`exists (
  select 1 from contact_identities i join unnest(${sql.param(people.map(({ externalId }) => externalId))}::text[],
    ${sql.param(people.map(profileOf))}::text[]) as p(external_id, profile) on p.external_id = i.external_id
  where i.inbox_id = ${inboxId}::uuid and not i.profile @> p.profile::jsonb)`;

/**
 * What the platform tells of a person now. A name or a number gives way to a newer one of the platform's, never one that an
 * agent wrote; a number that was not known is added.
 */
export async function noteProfile(tx: Tx, inboxId: string, person: Person): Promise<void> {
  const profile = profileOf(person);
  await tx.execute(sql`
    with before as (
      select id, contact_id, external_id, profile from contact_identities
      where inbox_id = ${inboxId}::uuid and external_id = ${person.externalId} and not profile @> ${profile}::jsonb for update
    ), told as (
      update contact_identities i set profile = b.profile || ${profile}::jsonb || jsonb_build_object('metadata',
        coalesce(b.profile -> 'metadata', '{}') || coalesce(${profile}::jsonb -> 'metadata', '{}'))
      from before b where i.id = b.id
    )
    update contacts c set
      name = case when ${person.name ?? null}::text is not null
        and c.name in (b.profile ->> 'name', b.profile ->> 'username', b.external_id, 'Visitor') then ${person.name ?? null}::text else c.name end,
      phone = case when ${person.phone ?? null}::text is not null
        and (c.phone is null or c.phone = b.profile ->> 'phone') then ${person.phone ?? null}::text else c.phone end
    from before b where c.id = b.contact_id`);
}

/** The person goes by another id from now on. Nothing when the former is not known, or the new one is somebody's. */
export async function moveIdentity(tx: Tx, inboxId: string, previousId: string, externalId: string): Promise<void> {
  await tx.execute(sql`
    update contact_identities i set external_id = ${externalId}
    where i.inbox_id = ${inboxId}::uuid and i.external_id = ${previousId} and not exists (
      select 1 from contact_identities o where o.inbox_id = ${inboxId}::uuid and o.external_id = ${externalId})`);
}

/** What the visitor said about themselves in the chat. Only empty fields are filled: nobody overwrites another's data. */
export async function describeContact(
  tx: Tx,
  contactId: string,
  said: { name?: string; email?: string },
): Promise<void> {
  await tx.execute(sql`
    update contacts set name = case when name = 'Visitor' and ${said.name ?? ''} <> '' then ${said.name ?? ''} else name end,
      email = coalesce(email, ${said.email ?? null}::text)
    where id = ${contactId}::uuid`);
}

/**
 * The visitor is nobody any more: no token that names them opens anything (`visitorHasEnded`). The conversations stay with
 * the workspace. False when they had ended already, or never were.
 */
export async function endVisitor(tx: Tx, inboxId: string, visitorId: string): Promise<boolean> {
  const { rows } = await tx.execute(sql`
    update contact_identities set ended_at = ${tx.now}::timestamptz
    where inbox_id = ${inboxId}::uuid and external_id = ${visitorId} and ended_at is null returning id`);
  return rows.length > 0;
}

export async function setReachable(tx: Tx, inboxId: string, externalId: string, reachable: boolean): Promise<void> {
  await tx.execute(sql`
    update contact_identities set reachable = ${reachable} where inbox_id = ${inboxId}::uuid and external_id = ${externalId}`);
}

/** @throws not-found */
export async function changeContact(
  tx: Tx,
  id: string,
  change: { name?: string; email?: string | null; phone?: string | null; tier?: string; notes?: string },
): Promise<void> {
  const [row] = await tx
    .update(contacts)
    .set(Object.keys(change).length > 0 ? change : { lastSeenAt: sql`last_seen_at` })
    .where(and(eq(contacts.id, id), isNull(contacts.deletedAt)))
    .returning({ id: contacts.id });
  if (!row) throw notFound('The contact');
}

const MAX_FACTS = 50;

/** What a website tells of its visitor. */
export type Introduction = {
  /** said, not proven */
  unverified: Record<string, string>;
  /** the site's id of the person, proven by its signature */
  userId?: string | undefined;
  /** what a signed token says beside the id */
  proven?: { name?: string; email?: string; phone?: string; attributes?: Record<string, unknown> };
};

/** Keeps what was said of a visitor. Proof puts the visitor under the contact the id has in this inbox. @throws conflict */
export async function identifyContact(
  tx: Tx,
  at: { inboxId: string; visitorId: string },
  { userId, proven, unverified }: Introduction,
): Promise<void> {
  const contactId = userId === undefined ? await contactOf(tx, at) : await proveContact(tx, at, userId);
  if (!contactId) return;
  const { rows } = await tx.execute<{ unverified: Record<string, string> }>(
    sql`select unverified from contacts where id = ${contactId}::uuid for update`,
  );
  const before = Object.entries(rows[0]?.unverified ?? {}).filter(
    ([key]) => !(proven && Object.hasOwn(proven, key)) && !(key === 'userId' && userId),
  );
  const kept = new Map([...before, ...Object.entries(unverified)].slice(0, MAX_FACTS));
  const { name = null, email = null, phone = null, attributes = {} } = proven ?? {};
  await tx.execute(sql`
    update contacts set unverified = ${JSON.stringify(Object.fromEntries(kept))}::jsonb,
      name = coalesce(${name}::text, name), email = coalesce(${email}::text, email),
      phone = coalesce(${phone}::text, phone), attributes = attributes || ${JSON.stringify(attributes)}::jsonb
    where id = ${contactId}::uuid`);
  const address = z.email().safeParse(unverified['email']).data;
  await describeContact(tx, contactId, {
    ...(unverified['name'] ? { name: unverified['name'] } : {}),
    ...(address ? { email: address } : {}),
  });
}

async function contactOf(tx: Tx, { inboxId, visitorId }: { inboxId: string; visitorId: string }) {
  const { rows } = await tx.execute<{ contact_id: string }>(
    sql`select contact_id from contact_identities where inbox_id = ${inboxId}::uuid and external_id = ${visitorId}`,
  );
  return rows[0]?.contact_id;
}

/** @throws conflict for a visitor who was proven to be somebody else: two people never share one conversation */
async function proveContact(
  tx: Tx,
  { inboxId, visitorId }: { inboxId: string; visitorId: string },
  userId: string,
): Promise<string | undefined> {
  // Two devices of one person at once become one contact.
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`${inboxId} ${userId}`}, 0))`);
  const { rows } = await tx.execute<{ contact_id: string; user_id: string | null; mine: boolean }>(sql`
    select contact_id, user_id, external_id = ${visitorId} as mine from contact_identities
    where inbox_id = ${inboxId}::uuid and (external_id = ${visitorId} or user_id = ${userId}) order by id for update`);
  const own = rows.find(({ mine }) => mine);
  if (!own) return undefined;
  if (own.user_id !== null && own.user_id !== userId)
    throw conflict('identify: this chat belongs to another id. Call Parley.reset() when somebody signs out.');
  const contactId = rows.find(({ user_id }) => user_id === userId)?.contact_id ?? own.contact_id;
  await tx.execute(sql`
    update contact_identities set user_id = ${userId}, contact_id = ${contactId}::uuid
    where inbox_id = ${inboxId}::uuid and external_id = ${visitorId}`);
  if (contactId === own.contact_id) return contactId;
  // In the order of a turn: contacts before conversations.
  await tx.execute(sql`
    update contacts set deleted_at = ${tx.now}::timestamptz where id = ${own.contact_id}::uuid
      and not exists (select 1 from contact_identities where contact_id = ${own.contact_id}::uuid)`);
  const thread = sql`inbox_id = ${inboxId}::uuid and thread_key = ${visitorId}`;
  await tx.execute(sql`
    update conversations set contact_id = ${contactId}::uuid where thread_id in (select id from threads where ${thread})`);
  await tx.execute(sql`update threads set contact_id = ${contactId}::uuid where ${thread}`);
  return contactId;
}
