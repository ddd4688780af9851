import { sql } from 'drizzle-orm';
import type { Message } from '@parley/contract';
import type { Inbound } from '../channels/contract.ts';
import { channels } from '../channels/registry.ts';
import type { AlbumItem } from '../db/schema/index.ts';
import type { InboxRuntime } from '../features/inboxes/directory.ts';
import { noteFiles } from '../features/messages/file-fetches.ts';
import { presentMessage } from '../features/messages/present.ts';
import type { MessageRow } from '../features/messages/present.ts';
import { storedJson } from '../platform/data/stored-json.ts';
import type { Tx } from '../platform/data/tenant.ts';
import { mediaHoursOf } from './media.ts';
import type { PendingEvent } from './threads.ts';

// Foreign tables: messages. An item that comes late is added to the message it belongs to.

/** So long after the last of an album nothing more of it is waited for; and so long at most for all of it. */
const LAST_MS = 1_000;
const WHOLE_MS = 10_000;

type Of<Kind extends Inbound['kind']> = PendingEvent & { event: Extract<Inbound, { kind: Kind }> };
const groupOf = ({ event }: PendingEvent): string | undefined => (event.kind === 'message' ? event.groupId : undefined);

/** Where the first album begins that may not be whole yet, and for how long to wait; events before it can be worked on. */
export function openAlbum(events: PendingEvent[]): { at: number; waitMs: number } | undefined {
  const ages = new Map<string, { at: number; oldest: number; newest: number }>();
  for (const [at, event] of events.entries()) {
    const group = groupOf(event);
    if (group === undefined) continue;
    const age = event.ageMs ?? WHOLE_MS;
    const known = ages.get(group);
    ages.set(group, {
      at: known?.at ?? at,
      oldest: Math.max(known?.oldest ?? 0, age),
      newest: Math.min(known?.newest ?? age, age),
    });
  }
  for (const { at, oldest, newest } of ages.values()) {
    const waitMs = Math.min(LAST_MS - newest, WHOLE_MS - oldest);
    if (waitMs > 0) return { at, waitMs };
  }
  return undefined;
}

/** The event of an album's first message, with the words and the files of all; `items` in the order in which they came. */
export type Joined = Of<'message'> & { items?: AlbumItem[] };

export const wordsOf = (items: { text: string }[]): string =>
  items
    .map(({ text }) => text)
    .filter((text) => text !== '')
    .join('\n\n');
const toItem = ({ id, event }: Of<'message'>): AlbumItem => ({
  messageId: event.messageId,
  eventId: id,
  text: event.text,
});

const byNumber = new Intl.Collator('en', { numeric: true });

export function joinAlbums(events: Of<'message'>[]): Joined[] {
  const groups = Map.groupBy(events, (event) => groupOf(event) ?? event.id);
  return [...groups.values()].flatMap((group): Joined[] => {
    const [first] = group;
    if (!first || groupOf(first) === undefined) return group;
    // Deliveries overtake each other; the platform counts.
    const inOrder = [...group].sort((one, other) => byNumber.compare(one.event.messageId, other.event.messageId));
    const items = inOrder.map(toItem);
    const media = inOrder.flatMap(({ event }) => event.media);
    return [{ ...first, event: { ...first.event, text: wordsOf(items), media }, items }];
  });
}

const groupKey = (group: string): string => `album:${group}`;
const itemKey = (platformId: string): string => `item:${platformId}`;

/** By which the message of an album is found again: for a while each item's id leads to it. Beside the ids of platforms. */
export async function noteAlbum(
  tx: Tx,
  inbox: InboxRuntime,
  messageId: string,
  { event, items = [] }: Joined,
): Promise<void> {
  if (event.groupId === undefined) return;
  const keys = [groupKey(event.groupId), ...items.map((item) => itemKey(item.messageId))];
  await tx.execute(sql`
    insert into inbound_ids (workspace_id, inbox_id, platform_id, event_id)
    select ${inbox.workspaceId}::uuid, ${inbox.id}::uuid, key, ${messageId}::uuid from unnest(${sql.param(keys)}::text[]) as k(key)
    on conflict (inbox_id, platform_id) do nothing`);
}

/** The message an item of an album became a part of. */
export async function findAlbum(
  tx: Tx,
  inboxId: string,
  of: { item: string } | { group: string },
): Promise<string | undefined> {
  const key = 'item' in of ? itemKey(of.item) : groupKey(of.group);
  const { rows } = await tx.execute<{ event_id: string }>(
    sql`select event_id from inbound_ids where inbox_id = ${inboxId}::uuid and platform_id = ${key}`,
  );
  return rows[0]?.event_id;
}

async function itemsOf(tx: Tx, messageId: string): Promise<AlbumItem[] | undefined> {
  const { rows } = await tx.execute<{ album: AlbumItem[] | null }>(
    sql`select payload -> 'album' as album from messages where id = ${messageId}::uuid and deleted_at is null for update`,
  );
  return rows[0]?.album ?? undefined;
}

const keepItems = (tx: Tx, messageId: string, items: AlbumItem[]) =>
  tx.execute(sql`
    update messages set payload = jsonb_set(payload, '{album}', ${storedJson(items)}::jsonb) where id = ${messageId}::uuid`);

/** The words of the whole message once those of an item are these; of a message that is no album, these. */
export async function textAfterEdit(
  tx: Tx,
  messageId: string,
  { item, text }: { item: string; text: string },
): Promise<string> {
  const items = await itemsOf(tx, messageId);
  if (!items) return text;
  const changed = items.map((one) => (one.messageId === item ? { ...one, text } : one));
  await keepItems(tx, messageId, changed);
  return wordsOf(changed);
}

/**
 * An item whose album was stored already is added to it, with its file and its words. Undefined when there is no such album
 * yet; without a message when nothing is to be added. `changed`: the message says something else now.
 */
export async function addToAlbum(
  tx: Tx,
  inbox: InboxRuntime,
  late: Joined,
): Promise<{ message?: Message; changed: boolean } | undefined> {
  const { event } = late;
  const messageId = event.groupId === undefined ? undefined : await findAlbum(tx, inbox.id, { group: event.groupId });
  const before = messageId === undefined ? undefined : await itemsOf(tx, messageId);
  if (messageId === undefined || !before) return undefined;
  const known = new Set(before.map(({ eventId }) => eventId));
  const added = (late.items ?? []).filter(({ eventId }) => !known.has(eventId));
  if (added.length === 0) return messageId === late.id ? undefined : { changed: false };
  const items = [...before, ...added];
  const { rows } = await tx.execute<MessageRow>(sql`
    update messages set text = ${wordsOf(items)}, payload = jsonb_set(payload, '{album}', ${storedJson(items)}::jsonb)
    where id = ${messageId}::uuid returning *`);
  await noteAlbum(tx, inbox, messageId, { ...late, items });
  if (!rows[0]) return { changed: false };
  const message = presentMessage(rows[0]);
  const { conversationId } = message;
  const of = {
    workspaceId: inbox.workspaceId,
    conversationId,
    messageId,
    hours: mediaHoursOf(channels[inbox.channel]),
  };
  await noteFiles(tx, of, event.media.slice(-added.length), before.length);
  return { message, changed: wordsOf(items) !== wordsOf(before) };
}
