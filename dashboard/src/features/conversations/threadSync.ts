import { conversationsApi, type Message } from '@parley/contract';
import type { QueryClient } from '@tanstack/vue-query';
import { keyOf } from '../../api/cache.ts';
import { call } from '../../api/client.ts';
import { emptyThread, hasGap, lastSeq, merge, type Thread } from './messageCache.ts';

/** The thread is kept under its messages' key, merged from pages and live events. */
export const threadKey = (id: string) => keyOf(conversationsApi.listMessages, { params: { id } });

const page = (id: string, query: { cursor?: string; after?: number; limit: number }) =>
  call(conversationsApi.listMessages, { params: { id }, query });
/** Newest first. */
const newest = (id: string, cursor?: string) => page(id, { ...(cursor ? { cursor } : {}), limit: 50 });

const read = (client: QueryClient, id: string): Thread | undefined => client.getQueryData<Thread>(threadKey(id));

export function change(client: QueryClient, id: string, update: (thread: Thread) => Thread): void {
  client.setQueryData<Thread>(threadKey(id), (thread) => update(thread ?? emptyThread));
}

/** The newest page, or, when the thread is known already, what came after it. */
export async function loadThread(client: QueryClient, id: string): Promise<Thread> {
  const known = read(client, id);
  if (known && known.messages.length > 0) return catchUpFrom(id, known);
  const first = await newest(id);
  return merge({ ...emptyThread, olderCursor: first.nextCursor }, [
    ...(read(client, id)?.messages ?? []),
    ...first.items,
  ]);
}

async function catchUpFrom(id: string, known: Thread): Promise<Thread> {
  let thread = known;
  for (;;) {
    const before = lastSeq(thread);
    const missed = await page(id, { after: before, limit: 100 });
    thread = merge(thread, missed.items);
    if (missed.items.length === 0 || lastSeq(thread) === before) return thread;
  }
}

export async function loadOlder(client: QueryClient, id: string): Promise<void> {
  const cursor = read(client, id)?.olderCursor;
  if (!cursor) return;
  const older = await newest(id, cursor);
  change(client, id, (thread) => merge({ ...thread, olderCursor: older.nextCursor }, older.items));
}

/** A live message: stored in the thread when that is open; a missed one before it makes the thread catch up over REST. */
export function receive(client: QueryClient, message: Message): void {
  const thread = read(client, message.conversationId);
  if (!thread) return;
  if (hasGap(thread, message.seq)) void client.invalidateQueries({ queryKey: threadKey(message.conversationId) });
  else change(client, message.conversationId, (known) => merge(known, [message]));
}
