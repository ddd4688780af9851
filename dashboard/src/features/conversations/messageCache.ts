import type { Message } from '@parley/contract';
import { laterStatus } from '@parley/contract/messages';

/** A message on screen: from the server, or still on its way from here. */
export type ThreadMessage = Message & { local?: 'sending' | 'failed' };

/** What most messages say nothing about. */
export const blankMessage = {
  clientId: null,
  type: 'text',
  location: null,
  attachments: [],
  citations: [],
  choices: [],
  private: false,
  status: 'pending',
  error: null,
  turnId: null,
  ordinal: null,
  event: null,
  editedAt: null,
  sentAt: null,
  earlier: [],
  missingFiles: [],
  quote: null,
  deletedAt: null,
  edited: false,
  deleted: false,
  failure: null,
  retries: 0,
  replyToId: null,
  reactions: [],
  externalId: null,
  details: null,
  unsupported: null,
} satisfies Partial<Message>;

/** Ascending by `seq`; `olderCursor` null when the beginning is loaded. */
export type Thread = { messages: ThreadMessage[]; olderCursor: string | null };

export const emptyThread: Thread = { messages: [], olderCursor: null };

/** The later state of one message. Events may overtake each other, so a delivery status never moves back. */
function newer(known: ThreadMessage, incoming: ThreadMessage): ThreadMessage {
  const status = laterStatus(known, incoming);
  return status === incoming.status
    ? incoming
    : { ...incoming, status, error: known.error, failure: known.failure, retries: known.retries };
}

/** Adds or replaces messages by id; one sent from here is replaced by its stored form through `clientId`. */
export function merge(thread: Thread, incoming: readonly ThreadMessage[]): Thread {
  const byId = new Map(thread.messages.map((message) => [message.id, message]));
  for (const message of incoming) {
    if (message.clientId && !message.local) byId.delete(localId(message.clientId));
    // The line of what was undone.
    if (message.deleted && message.author.type === 'system') {
      byId.delete(message.id);
      continue;
    }
    const known = byId.get(message.id);
    byId.set(message.id, known ? newer(known, message) : message);
  }
  return { ...thread, messages: [...byId.values()].sort((one, other) => one.seq - other.seq) };
}

export const localId = (clientId: string): string => `local:${clientId}`;

export function withoutLocal(thread: Thread, clientId: string): Thread {
  return { ...thread, messages: thread.messages.filter((message) => message.id !== localId(clientId)) };
}

/** The highest `seq` the server gave; 0 when none. */
export const lastSeq = (thread: Thread): number => thread.messages.findLast((message) => !message.local)?.seq ?? 0;

/** True when messages between what is known and `seq` never arrived. */
export const hasGap = (thread: Thread, seq: number): boolean => seq > lastSeq(thread) + 1;
