import type { Conversation } from '@parley/contract';

/** What a list asks the server for, but for the page. */
export type RowFilter = { status?: string; assigneeId?: string; inboxId?: string; contactId?: string; q?: string };

/** A part of a list without gaps, newest first, that grows at both ends. */
export type Rows = {
  items: Conversation[];
  /** of what comes below; null when the end is here */
  nextCursor: string | null;
  /** there may be rows above the first one */
  more: boolean;
};

/** `me` is who looks; `keep` the open conversation, which stays until it is left. */
export type Viewer = { me: string | null; keep: string | null };

/** Negative when `one` stands above `other`. Moments are ISO 8601 in UTC with milliseconds, so they compare as texts. */
export function byNewest(one: Conversation, other: Conversation): number {
  if (one.lastMessageAt !== other.lastMessageAt) return one.lastMessageAt > other.lastMessageAt ? -1 : 1;
  return one.id === other.id ? 0 : one.id > other.id ? -1 : 1;
}

/** Whether the server would list it. What a search finds only the server knows. */
export function fits(filter: RowFilter, conversation: Conversation, me: string | null): boolean {
  const { status, assigneeId, inboxId, contactId } = filter;
  if (status && !status.split(',').includes(conversation.status)) return false;
  if (inboxId && conversation.inbox.id !== inboxId) return false;
  if (contactId && conversation.contact.id !== contactId) return false;
  if (!assigneeId) return true;
  const wanted = assigneeId === 'none' ? null : assigneeId === 'me' ? me : assigneeId;
  return (conversation.assignee?.id ?? null) === wanted;
}

/** How many of `items` stand above it. */
function placeIn(items: readonly Conversation[], conversation: Conversation): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item && byNewest(item, conversation) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The list after this conversation changed: it comes, moves, stays or goes. */
export function place(rows: Rows, filter: RowFilter, conversation: Conversation, { me, keep }: Viewer): Rows {
  const at = rows.items.findIndex((item) => item.id === conversation.id);
  const known = rows.items[at];
  // Events may overtake each other.
  if (known && known.lastSeq > conversation.lastSeq) return rows;
  const kept = known !== undefined && conversation.id === keep;
  const others = known ? rows.items.toSpliced(at, 1) : rows.items;
  const belongs = fits(filter, conversation, me) && (known !== undefined || !filter.q);
  if (!belongs && !kept) return known ? { ...rows, items: others } : rows;
  const to = placeIn(others, conversation);
  const moved = !known || byNewest(known, conversation) !== 0;
  const beyond =
    moved && others.length > 0 && ((to === others.length && rows.nextCursor !== null) || (to === 0 && rows.more));
  // It stands where nothing is loaded yet, and comes with the page of that place.
  if (beyond && !kept) return known ? { ...rows, items: others } : rows;
  return { ...rows, items: others.toSpliced(to, 0, conversation) };
}

/** Whether its place is inside of what is loaded. */
export function covers({ items, nextCursor, more }: Rows, conversation: Conversation): boolean {
  const to = placeIn(items, conversation);
  return (to > 0 || !more) && (to < items.length || nextCursor === null);
}

/** Adds a page below or above. What was known already is replaced by what the server says now. */
export function join(rows: Rows, page: readonly Conversation[], change: Partial<Omit<Rows, 'items'>>): Rows {
  const coming = new Set(page.map(({ id }) => id));
  const items = [...rows.items.filter(({ id }) => !coming.has(id)), ...page];
  return { ...rows, ...change, items: items.sort(byNewest) };
}

/** The list read again; the open conversation stays even if it is no longer one of it. */
export function readAgain(fresh: Rows, before: Rows | undefined, { keep }: Viewer): Rows {
  const open = before?.items.find(({ id }) => id === keep);
  if (!open || fresh.items.some(({ id }) => id === keep)) return fresh;
  return { ...fresh, items: fresh.items.toSpliced(placeIn(fresh.items, open), 0, open) };
}

/** Takes the conversation out that was kept only because it was open. */
export function leave(rows: Rows, filter: RowFilter, id: string, me: string | null): Rows {
  const left = rows.items.find((item) => item.id === id);
  if (!left || fits(filter, left, me)) return rows;
  return { ...rows, items: rows.items.filter((item) => item !== left) };
}

/** What opens when this one is done: the one below, or at the end the one above. */
export function neighbour(items: readonly Conversation[], id: string): Conversation | undefined {
  const at = items.findIndex((item) => item.id === id);
  return at < 0 ? items[0] : (items[at + 1] ?? items[at - 1]);
}
