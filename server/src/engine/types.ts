import type { Bot, Choice, Citation, Message } from '@parley/contract';
import type { ModelFailure } from '../ai/failures.ts';
import type { TraceRecord } from '../db/schema/index.ts';
import type { HandoffRequest } from '../features/handoffs/commands.ts';
import type { Say } from './texts/texts.ts';

/** One paragraph of the bot, ready to be shown; with what the customer may tap in place of an answer. */
export type Saying = { text: string; citations?: Citation[]; choices?: Choice[] };

/** What a turn knows when it starts. */
export type TurnInput = {
  workspaceId: string;
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
  /** ISO 639-1, of the conversation */
  language: string;
  /** what the bot says in its own name, in that language and in the owner's words */
  texts: Say;
  /** questions in a row before this one that had no answer */
  misses: number;
  /** the customer is in the queue: a person will answer */
  waiting: boolean;
  /** sources may be added to a paragraph that was shown already (our own widget) */
  sourcesAfterwards: boolean;
  /** adds the sources to the turn's last paragraph */
  cite(citations: Citation[]): Promise<void>;
  /** a tap, or what means the same in words */
  action: 'request_agent' | 'ask_differently' | 'start' | 'end' | undefined;
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
  /** of a question: whether it had no answer. Misses in a row are counted, an answer begins anew. */
  missed?: boolean;
  trace?: { question: string; record: TraceRecord };
  /** why the model did not answer */
  failure?: ModelFailure;
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

/** What a customer may tap where the bot has no answer; nothing where nobody could be asked for. */
export const choicesOf = ({ bot, texts }: Pick<TurnInput, 'bot' | 'texts'>): Choice[] =>
  bot.handoffEnabled
    ? [
        { id: 'ask_differently', text: texts('askDifferently') },
        { id: 'request_agent', text: texts('talkToPerson') },
      ]
    : [];
