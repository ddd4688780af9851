import { phrase } from '../phrases.ts';
import { questionOf } from '../types.ts';
import type { Handler } from '../types.ts';

/** Only a picture, a voice message or a place, and not a word: a person has to look at it. */
export const filesHandler: Handler = {
  name: 'files',
  priority: 30,
  accepts: (input) => questionOf(input) === '' && input.action === undefined,
  run: async (input, say) => {
    if (!input.bot.handoffEnabled) {
      if (input.alreadySent.length === 0) await say({ text: phrase(input.language, 'cannotReadFiles') });
      return { handler: 'files' };
    }
    return {
      handler: 'files',
      handoff: { reason: 'BOT_NOT_ENOUGH_DATA', detail: 'The customer sent a file without words.' },
    };
  },
};
