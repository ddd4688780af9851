import type { Attachment, Choice, Citation, Message, MessageChunk } from '@parley/contract';
import { laterStatus } from '@parley/contract/messages';

/** What the visitor wrote and the server has not confirmed yet. `error` null while it is on its way, else why not ('': unknown). */
export type Draft = { clientId: string; text: string; attachments: Attachment[]; at: number; error: string | null };

/** One thing in the log. `key` stays the same while a paragraph or a draft becomes a stored message. */
export type Entry = {
  key: string;
  author: 'contact' | 'bot' | 'agent' | 'system';
  name: string | null;
  text: string;
  /** milliseconds since 1970 */
  at: number;
  state: 'partial' | 'sending' | 'failed' | 'sent';
  error: string | null;
  citations: Citation[];
  choices: Choice[];
  attachments: Attachment[];
  event: string | null;
  edited: boolean;
  deleted: boolean;
  clientId: string | null;
};

export type MessageStore = ReturnType<typeof createMessageStore>;

/** A bot's paragraph and a visitor's draft are known before they have an id. */
function keyOf(message: Message): string {
  if (message.turnId !== null && message.ordinal !== null) return `t:${message.turnId}:${message.ordinal}`;
  return message.clientId ? `c:${message.clientId}` : `m:${message.id}`;
}

function entryOf(message: Message): Entry {
  const failed = message.status === 'failed' && message.author.type === 'contact';
  return {
    key: keyOf(message),
    author: message.author.type,
    name: message.author.name,
    text: message.text,
    at: Date.parse(message.createdAt),
    state: failed ? 'failed' : 'sent',
    error: failed ? (message.error ?? '') : null,
    citations: message.citations,
    // A server of an earlier version knows none.
    choices: message.choices ?? [],
    attachments: message.attachments,
    event: message.event,
    edited: message.editedAt !== null,
    deleted: message.deletedAt !== null,
    clientId: message.clientId,
  };
}

const bare = { name: null, citations: [], choices: [], attachments: [], event: null, edited: false, deleted: false };

/**
 * The messages of one conversation, whatever order the wire brings them in: sorted by `seq`, each once, paragraphs of
 * a running turn after them, unsent drafts last.
 */
export function createMessageStore() {
  const messages = new Map<string, Message>();
  const turns = new Map<string, { parts: Map<number, { text: string; at: number }>; ended: boolean }>();
  const drafts = new Map<string, Draft>();
  /** every message up to this one was seen or was never meant for the visitor */
  let known = 0;
  let highest = 0;
  /** a paragraph does not say whose it is; its message will */
  let botName: string | null = null;

  function put(message: Message): boolean {
    if (message.private) return false;
    // The line of what was undone.
    if (message.deletedAt && message.author.type === 'system') return messages.delete(message.id) && false;
    const before = messages.get(message.id);
    const status = before ? laterStatus(before, message) : message.status;
    const stale = before?.editedAt && (!message.editedAt || message.editedAt < before.editedAt);
    messages.set(message.id, stale ? { ...before, status } : { ...message, status });
    if (message.author.type === 'bot') botName = message.author.name;
    if (message.clientId) drafts.delete(message.clientId);
    if (message.turnId !== null && message.ordinal !== null) {
      turns.get(message.turnId)?.parts.delete(message.ordinal);
    }
    return !before;
  }

  return {
    /** `gap`: something between the last known message and this one did not arrive; ask for everything after `after()`. */
    receive(message: Message): { fresh: boolean; gap: boolean } {
      const fresh = put(message);
      highest = Math.max(highest, message.seq);
      if (message.seq === known + 1) known = message.seq;
      return { fresh, gap: message.seq > known };
    },
    /**
     * The answer to a gap asked for when `upTo` was the highest number seen. Numbers still missing afterwards belong to
     * notes between agents: they are never asked for again. Returns what was new.
     */
    settle(missed: Message[], upTo: number): Message[] {
      const fresh = missed.filter(put);
      known = Math.max(known, upTo, ...missed.map((message) => message.seq));
      highest = Math.max(highest, known);
      for (const [id, turn] of turns) if (turn.ended) turns.delete(id);
      return fresh;
    },
    chunk({ turnId, ordinal, text, last }: MessageChunk): void {
      const turn = turns.get(turnId) ?? { parts: new Map<number, { text: string; at: number }>(), ended: false };
      turns.set(turnId, turn);
      if (last) turn.ended = true;
      const stored = [...messages.values()].some((each) => each.turnId === turnId && each.ordinal === ordinal);
      if (!stored && text !== '') turn.parts.set(ordinal, { text, at: turn.parts.get(ordinal)?.at ?? Date.now() });
    },
    nameBot: (name: string | null): void => void (botName = name ?? botName),
    /** Nobody goes on with what was running, e.g. because a person took over. */
    endTurns(): void {
      for (const turn of turns.values()) turn.ended = true;
    },
    running: (): boolean => [...turns.values()].some((turn) => !turn.ended),
    put: (draft: Draft): void => void drafts.set(draft.clientId, draft),
    drop: (clientId: string): void => void drafts.delete(clientId),
    after: (): number => known,
    highest: (): number => highest,
    clear(): void {
      messages.clear();
      turns.clear();
      drafts.clear();
      known = highest = 0;
    },
    messages: (): Message[] => [...messages.values()].sort((a, b) => a.seq - b.seq),
    entries(): Entry[] {
      const partial = [...turns].flatMap(([turnId, turn]) =>
        [...turn.parts]
          .sort(([a], [b]) => a - b)
          .map(([ordinal, { text, at }]): Entry => ({
            ...bare,
            key: `t:${turnId}:${ordinal}`,
            author: 'bot',
            name: botName,
            text,
            at,
            state: 'partial',
            error: null,
            clientId: null,
          })),
      );
      const unsent = [...drafts.values()].map((draft): Entry => ({
        ...bare,
        key: `c:${draft.clientId}`,
        author: 'contact',
        text: draft.text,
        at: draft.at,
        state: draft.error === null ? 'sending' : 'failed',
        error: draft.error,
        attachments: draft.attachments,
        clientId: draft.clientId,
      }));
      return [...this.messages().map(entryOf), ...partial, ...unsent];
    },
  };
}
