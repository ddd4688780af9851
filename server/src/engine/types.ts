import type { Bot, Citation, Message } from '@parley/contract';
import type { TraceRecord } from '../db/schema/index.ts';
import type { HandoffRequest } from '../features/handoffs/commands.ts';

/** One paragraph of the bot, ready to be shown. */
export type Saying = { text: string; citations?: Citation[] };

/** What a turn knows when it starts. */
export type TurnInput = {
  workspaceId: string;
  conversationId: string;
  turnId: string;
  bot: Bot;
  contact: { id: string; name: string; language: string | null };
  /** what the customer wrote since the last turn, in order; quick successive messages are one question */
  pending: Message[];
  /** the ten messages before, oldest first, without private notes */
  history: Message[];
  /** paragraphs of this turn that went out before it was interrupted */
  alreadySent: string[];
  /** aborted when a human takes over or the lease is lost */
  signal: AbortSignal;
  /** ISO 639-1, of what the customer wrote */
  language: string;
  /** sources may be added to a paragraph that was shown already (our own widget) */
  sourcesAfterwards: boolean;
  /** adds the sources to the turn's last paragraph */
  cite(citations: Citation[]): Promise<void>;
  /** an explicit button: ask for a person, start */
  action: 'request_agent' | 'start' | 'end' | undefined;
};

export type Outcome = {
  /** for the report and the flight recorder */
  handler: string;
  /** put the conversation into the queue */
  handoff?: HandoffRequest;
  /** said to the customer before the handoff; undefined = the usual words, null = silence */
  closing?: string | null;
  /** nothing was said and nothing is to be done */
  silent?: boolean;
  trace?: { question: string; record: TraceRecord };
};

/**
 * One way to deal with a turn. The router asks in order of `priority` (lower first) and runs the first that accepts; a
 * handler may pass on to the next by returning 'next'.
 */
export type Handler = {
  name: string;
  priority: number;
  accepts(input: TurnInput): boolean;
  /** @throws TurnStopped (from `say`) when a human took over or the lease was lost: to be let through */
  run(input: TurnInput, say: (saying: Saying) => Promise<void>): Promise<Outcome | 'next'>;
};

/** The words of the pending messages as one question. */
export const questionOf = (input: TurnInput): string =>
  input.pending
    .map((message) => message.text.trim())
    .filter((text) => text !== '')
    .join('\n');
