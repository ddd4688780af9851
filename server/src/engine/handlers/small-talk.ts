import { questionOf } from '../question.ts';
import { smallTalkOf } from '../talk/small-talk.ts';
import { choicesOf } from '../types.ts';
import type { Handler, Saying, TurnInput } from '../types.ts';

/** Hello, thanks, goodbye, a thumb: answered in kind, and never a question. */
export const smallTalkHandler: Handler = {
  name: 'small_talk',
  priority: 20,
  accepts: (input) =>
    input.action === 'start' ||
    input.action === 'ask_differently' ||
    (input.action === undefined && smallTalkOf(questionOf(input), input.language) !== undefined),
  run: async (input, say) => {
    if (input.alreadySent.length === 0) await say(replyTo(input));
    return { handler: 'small_talk' };
  },
};

function replyTo(input: TurnInput): Saying {
  const { texts, action, bot } = input;
  if (action === 'ask_differently') return { text: texts('rephrase') };
  const kind = action === 'start' ? 'hello' : smallTalkOf(questionOf(input), input.language);
  if (kind === 'hello') return { text: bot.greeting || texts('hello') };
  if (kind === 'unclear') return { text: texts('needSentence'), choices: choicesOf(input) };
  return { text: texts(kind === 'bye' ? 'goodbye' : 'welcome') };
}
