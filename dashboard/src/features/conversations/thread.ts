import type { Thread, ThreadMessage } from './messageCache.ts';

/** What the thread draws, top to bottom. */
export type ThreadItem =
  | { kind: 'day'; key: string; at: string }
  | { kind: 'event'; key: string; message: ThreadMessage }
  | {
      kind: 'group';
      key: string;
      side: 'contact' | 'bot' | 'agent' | 'note';
      name: string | null;
      at: string;
      messages: ThreadMessage[];
    };

const minute = 60_000;
/** When it was written: what reached us late keeps its place, and its own time. */
export const saidAt = ({ sentAt, createdAt }: ThreadMessage): string => sentAt ?? createdAt;
const dayOf = (at: string): string => new Date(at).toDateString();

function sideOf(message: ThreadMessage): 'contact' | 'bot' | 'agent' | 'note' {
  if (message.private) return 'note';
  if (message.author.type === 'contact') return 'contact';
  return message.author.type === 'bot' ? 'bot' : 'agent';
}

/** A bot's turn stays one block however long it takes; people's messages join within a minute. */
function joins(group: ThreadItem | undefined, message: ThreadMessage): boolean {
  if (group?.kind !== 'group' || group.side !== sideOf(message) || group.side === 'note') return false;
  const last = group.messages.at(-1);
  if (!last || last.author.id !== message.author.id) return false;
  if (last.turnId !== message.turnId) return false;
  return message.turnId !== null || Math.abs(Date.parse(saidAt(message)) - Date.parse(saidAt(last))) < minute;
}

/** Groups ascending messages by sender and minute, with a line where the day changes. System messages stand alone. */
export function layOut(messages: readonly ThreadMessage[]): ThreadItem[] {
  const items: ThreadItem[] = [];
  let day = '';
  const days = new Set<string>();
  for (const message of messages) {
    const at = saidAt(message);
    if (dayOf(at) !== day) {
      day = dayOf(at);
      // What reached us late may lead back to a day that was there.
      items.push({ kind: 'day', key: days.has(day) ? `day:${day}:${message.id}` : `day:${day}`, at });
      days.add(day);
    }
    const last = items.at(-1);
    if (message.author.type === 'system') items.push({ kind: 'event', key: message.id, message });
    else if (last?.kind === 'group' && joins(last, message)) last.messages.push(message);
    else
      items.push({
        kind: 'group',
        key: message.id,
        side: sideOf(message),
        name: message.author.name,
        at,
        messages: [message],
      });
  }
  return items;
}

/** What a message answers: it itself, or why it is not shown. */
export type Quoted = ThreadMessage | 'older' | 'deleted';

export function quotedIn({ messages, olderCursor }: Thread, id: string): Quoted {
  const found = messages.find((message) => message.id === id);
  if (found) return found.deletedAt ? 'deleted' : found;
  return olderCursor ? 'older' : 'deleted';
}

/** Of the element that shows a message. */
export const elementId = (messageId: string): string => `message-${messageId}`;
