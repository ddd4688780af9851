import type { Ask, AskInput } from '@parley/contract';

/** One question to a bot in the playground, or a tap on what it offered, and what came back. */
export type Turn = {
  key: number;
  question: string;
  action?: Extract<AskInput, { action: unknown }>['action'];
  answer: Ask | null;
  error: unknown;
};

type Earlier = NonNullable<AskInput['history']>;

/** What was said so far, as the next turn is told it. */
export const historyOf = (turns: Turn[]): Earlier =>
  turns
    .flatMap(({ question, answer }): Earlier =>
      answer
        ? [
            { role: 'customer', text: question },
            ...answer.messages
              .filter(({ author }) => author === 'bot')
              .map(({ text, choices }) => ({ role: 'bot' as const, text, choices })),
          ]
        : [],
    )
    .slice(-10);
