import type { MessageStatus } from './conversations.ts';

// Without the schema library, so that the widget may bring it along.

/**
 * The one order of a message's status: pending < sent < delivered < read. `failed` comes only from pending and sent, and
 * nothing follows it but a retry, which is the delivery's to say: failed → pending (or at once sent).
 */
const FORMER: Record<MessageStatus, readonly MessageStatus[]> = {
  pending: [],
  sent: ['pending'],
  delivered: ['pending', 'sent'],
  read: ['pending', 'sent', 'delivered'],
  failed: ['pending', 'sent'],
};

/** The states a message may be in when a receipt says `status`. Receipts arrive in any order; none moves it back. */
export const statusesBefore = (status: MessageStatus): readonly MessageStatus[] => FORMER[status];

export const statusFollows = (known: MessageStatus, next: MessageStatus): boolean => FORMER[next].includes(known);

/**
 * What a screen shows that holds one copy of a message and gets another. Copies overtake each other: `retries` says how
 * often a failed message was sent again, and a higher number is newer whatever the status.
 */
export function laterStatus(
  known: { status: MessageStatus; retries?: number },
  incoming: { status: MessageStatus; retries?: number },
): MessageStatus {
  const newer = (incoming.retries ?? 0) - (known.retries ?? 0);
  if (newer !== 0) return newer > 0 ? incoming.status : known.status;
  return statusFollows(known.status, incoming.status) ? incoming.status : known.status;
}
