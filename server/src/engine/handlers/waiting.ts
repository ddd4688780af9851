import { questionOf } from '../question.ts';
import { asksForPerson } from '../talk/person-wish.ts';
import { smallTalkOf } from '../talk/small-talk.ts';
import type { Handler, TurnInput } from '../types.ts';

/** Who thanks or says goodbye while waiting expects no answer. */
const isPolite = (input: TurnInput): boolean =>
  ['thanks', 'bye'].includes(smallTalkOf(questionOf(input), input.language) ?? '');

const asksAgain = (input: TurnInput): boolean =>
  (input.action !== undefined && input.action !== 'ask_differently') ||
  asksForPerson(questionOf(input)) ||
  ['hello', 'unclear'].includes(smallTalkOf(questionOf(input), input.language) ?? '');

/**
 * The customer is in the queue. A question is answered by those behind this handler, if the owner wants it so; whoever asks
 * for the person again is told that one comes, and what is no question is left for the person.
 */
export const waitingHandler: Handler = {
  name: 'waiting',
  priority: 5,
  accepts: (input) =>
    input.waiting &&
    (!input.bot.answersWhileWaiting || isPolite(input) || asksAgain(input) || questionOf(input) === ''),
  run: async (input, say) => {
    const { alreadySent, bot, texts } = input;
    if (!bot.answersWhileWaiting || !asksAgain(input)) return { handler: 'waiting', silent: true };
    if (alreadySent.length === 0) await say({ text: texts('stillWaiting') });
    return { handler: 'waiting' };
  },
};
