import type { Message } from '@parley/contract';
import type { QueryClient } from '@tanstack/vue-query';
import { listMessages, messagesAfter } from '../../api/conversations.ts';
import { keys } from '../../api/keys.ts';
import { emptyThread, hasGap, lastSeq, merge, type Thread } from './messageCache.ts';

const read = (client: QueryClient, id: string): Thread | undefined => client.getQueryData<Thread>(keys.thread(id));

export function change(client: QueryClient, id: string, update: (thread: Thread) => Thread): void {
  client.setQueryData<Thread>(keys.thread(id), (thread) => update(thread ?? emptyThread));
}

/** The newest page, or, when the thread is known already, what came after it. */
export async function loadThread(client: QueryClient, id: string): Promise<Thread> {
  const known = read(client, id);
  if (known && known.messages.length > 0) return catchUpFrom(id, known);
  const page = await listMessages(id);
  return merge({ ...emptyThread, olderCursor: page.nextCursor }, [
    ...(read(client, id)?.messages ?? []),
    ...page.items,
  ]);
}

async function catchUpFrom(id: string, known: Thread): Promise<Thread> {
  let thread = known;
  for (;;) {
    const before = lastSeq(thread);
    const page = await messagesAfter(id, before);
    thread = merge(thread, page.items);
    if (!page.nextCursor || lastSeq(thread) === before) return thread;
  }
}

export async function loadOlder(client: QueryClient, id: string): Promise<void> {
  const cursor = read(client, id)?.olderCursor;
  if (!cursor) return;
  const page = await listMessages(id, cursor);
  change(client, id, (thread) => merge({ ...thread, olderCursor: page.nextCursor }, page.items));
}

/** A live message: stored in the thread when that is open; a missed one before it makes the thread catch up over REST. */
export function receive(client: QueryClient, message: Message): void {
  const thread = read(client, message.conversationId);
  if (!thread) return;
  if (hasGap(thread, message.seq)) void client.invalidateQueries({ queryKey: keys.thread(message.conversationId) });
  else change(client, message.conversationId, (known) => merge(known, [message]));
}
