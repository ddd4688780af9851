import { type Conversation, conversationsApi, meApi } from '@parley/contract';
import type { QueryClient, QueryKey } from '@tanstack/vue-query';
import { shallowRef } from 'vue';
import { keyOf } from '../../api/cache.ts';
import { call } from '../../api/client.ts';
import { join, leave, place, readAgain, type RowFilter, type Rows, type Viewer } from './rows.ts';

// The lists as they are kept: one entry for each filter, patched by events whether it is on screen or not.

const firstPage = 50;
const furtherPage = 100;
const mark = 'rows';

/** The conversation that is open on this screen. */
export const openConversation = shallowRef<string | null>(null);

export const rowsKey = (filter: RowFilter): QueryKey => [...keyOf(conversationsApi.list, { query: filter }), mark];
export const conversationKey = (id: string): QueryKey => keyOf(conversationsApi.get, { params: { id } });
export const readConversation = (id: string): Promise<Conversation> => call(conversationsApi.get, { params: { id } });
const isRowsKey = (key: QueryKey): boolean => key.at(-1) === mark;

const viewer = (client: QueryClient): Viewer => ({
  me: client.getQueryData<{ user: { id: string } }>(keyOf(meApi.get, {}))?.user.id ?? null,
  keep: openConversation.value,
});

function changeLists(client: QueryClient, change: (rows: Rows, filter: RowFilter) => Rows): void {
  const lists = client.getQueriesData<Rows>({
    queryKey: keyOf(conversationsApi.list),
    predicate: ({ queryKey }) => isRowsKey(queryKey),
  });
  for (const [key, rows] of lists) {
    if (!rows) continue;
    const changed = change(rows, key[2] as RowFilter);
    if (changed !== rows) client.setQueryData(key, changed);
  }
}

/** What came lately: a page that was asked for before knows nothing of it. */
let heard: { at: number; conversation: Conversation }[] = [];
const rememberedMs = 30_000;

/** Conversations that are changed from here, and the last message before: what was told of them until then is old. */
const changing = new Map<string, number>();
export const expectChange = ({ id, lastSeq }: Conversation): void => void changing.set(id, lastSeq);
export const changeFailed = (id: string): void => void changing.delete(id);
const isOld = ({ id, lastSeq }: Conversation): boolean => {
  const before = changing.get(id);
  if (before !== undefined && lastSeq <= before) return true;
  changing.delete(id);
  return false;
};

/** Conversations as they are now, in the order in which that was told: whatever shows them follows. */
export function showConversations(client: QueryClient, told: readonly Conversation[]): void {
  const conversations = told.filter((conversation) => !isOld(conversation));
  const now = performance.now();
  heard = [
    ...heard.filter(({ at }) => at > now - rememberedMs),
    ...conversations.map((conversation) => ({ at: now, conversation })),
  ];
  const seen = viewer(client);
  changeLists(client, (rows, filter) => conversations.reduce((list, each) => place(list, filter, each, seen), rows));
  const byId = new Map(conversations.map((conversation) => [conversation.id, conversation]));
  for (const [id, conversation] of byId)
    client.setQueryData<Conversation>(conversationKey(id), (known) =>
      known && known.lastSeq <= conversation.lastSeq ? conversation : known,
    );
  // Short lists that are read whole: a contact's history, what the command bar found.
  client.setQueriesData<{ items: Conversation[] }>(
    { queryKey: keyOf(conversationsApi.list), predicate: ({ queryKey }) => !isRowsKey(queryKey) },
    (known) => known && { ...known, items: known.items.map((item) => byId.get(item.id) ?? item) },
  );
}

/** The conversation as its row knows it, for a screen that opens it. */
export function seedConversation(client: QueryClient, id: string): void {
  if (client.getQueryData(conversationKey(id))) return;
  changeLists(client, (rows) => {
    const item = rows.items.find((each) => each.id === id);
    if (item) client.setQueryData(conversationKey(id), item);
    return rows;
  });
}

export function leaveInLists(client: QueryClient, id: string): void {
  const { me } = viewer(client);
  changeLists(client, (rows, filter) => leave(rows, filter, id, me));
}

/** The open conversation stands in the list on screen, whether it is one of it or not. */
export function keepInList(client: QueryClient, filter: RowFilter, conversation: Conversation): void {
  if (conversation.id !== openConversation.value) return;
  client.setQueryData<Rows>(rowsKey(filter), (rows) =>
    !rows || rows.items.some(({ id }) => id === conversation.id) ? rows : join(rows, [conversation], {}),
  );
}

const read = (
  filter: RowFilter,
  page: { cursor?: string; from?: string; above?: string; limit: number },
  signal?: AbortSignal,
) => call(conversationsApi.list, { query: { ...filter, ...page }, ...(signal ? { signal } : {}) });

function withHeard(client: QueryClient, rows: Rows, filter: RowFilter, since: number): Rows {
  const seen = viewer(client);
  return heard
    .filter(({ at }) => at >= since)
    .reduce((list, { conversation }) => place(list, filter, conversation, seen), rows);
}

/**
 * The list read anew, as much of it as a screen shows and a bit: from its beginning, or around the place of `anchor`. What
 * was loaded besides comes again when somebody scrolls there.
 */
export async function loadRows(
  client: QueryClient,
  filter: RowFilter,
  anchor: string | null,
  signal?: AbortSignal,
): Promise<Rows> {
  const since = performance.now();
  const fresh = anchor ? await around(filter, anchor, signal) : await beginning(filter, signal);
  const known = readAgain(fresh, client.getQueryData<Rows>(rowsKey(filter)), viewer(client));
  return withHeard(client, known, filter, since);
}

async function beginning(filter: RowFilter, signal?: AbortSignal): Promise<Rows> {
  const { items, nextCursor } = await read(filter, { limit: firstPage }, signal);
  return { items, nextCursor, more: false };
}

async function around(filter: RowFilter, anchor: string, signal?: AbortSignal): Promise<Rows> {
  const [above, from] = await Promise.all([
    read(filter, { above: anchor, limit: firstPage }, signal),
    read(filter, { from: anchor, limit: firstPage }, signal),
  ]);
  const rows = { items: from.items, nextCursor: from.nextCursor, more: above.nextCursor !== null };
  return rows.items.length + above.items.length > 0 ? join(rows, above.items, {}) : beginning(filter, signal);
}

async function grow(
  client: QueryClient,
  filter: RowFilter,
  page: { cursor: string } | { above: string },
  change: (nextCursor: string | null) => Partial<Rows>,
): Promise<void> {
  const since = performance.now();
  const { items, nextCursor } = await read(filter, { ...page, limit: furtherPage });
  client.setQueryData<Rows>(
    rowsKey(filter),
    (rows) => rows && withHeard(client, join(rows, items, change(nextCursor)), filter, since),
  );
}

export async function loadBelow(client: QueryClient, filter: RowFilter): Promise<void> {
  const cursor = client.getQueryData<Rows>(rowsKey(filter))?.nextCursor;
  if (cursor) await grow(client, filter, { cursor }, (nextCursor) => ({ nextCursor }));
}

export async function loadAbove(client: QueryClient, filter: RowFilter): Promise<void> {
  const rows = client.getQueryData<Rows>(rowsKey(filter));
  // The open conversation may be there out of its order: it says nothing about what is loaded.
  const first = rows?.items.find(({ id }) => id !== openConversation.value);
  if (first && rows?.more) await grow(client, filter, { above: first.id }, (next) => ({ more: next !== null }));
}
