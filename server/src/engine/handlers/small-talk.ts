import { smallTalkOf } from '../intents.ts';
import { phrase } from '../phrases.ts';
import { questionOf } from '../types.ts';
import type { Handler } from '../types.ts';

/** Hello, thanks, goodbye: answered in kind, and never handed over for lack of knowledge. */
export const smallTalkHandler: Handler = {
  name: 'small-talk',
  priority: 20,
  accepts: (input) => input.action === 'start' || smallTalkOf(questionOf(input)) !== undefined,
  run: async (input, say) => {
    const kind = input.action === 'start' ? 'hello' : smallTalkOf(questionOf(input));
    const language = input.bot.languages.includes(input.language) ? input.language : (input.bot.languages[0] ?? 'en');
    if (input.alreadySent.length === 0) {
      if (kind === 'hello') await say({ text: input.bot.greeting || phrase(language, 'hello') });
      else await say({ text: phrase(language, kind === 'bye' ? 'goodbye' : 'welcome') });
    }
    return { handler: 'small-talk' };
  },
};
