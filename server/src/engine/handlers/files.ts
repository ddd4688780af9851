import type { Message, TextKey } from '@parley/contract';
import { choicesOf } from '../types.ts';
import type { Handler, TurnInput } from '../types.ts';
import { questionOf } from '../question.ts';

const byType: Partial<Record<Message['type'], TextKey>> = {
  image: 'gotPicture',
  audio: 'gotVoice',
  video: 'gotVideo',
  document: 'gotFile',
  location: 'gotPlace',
};

/** Our own widget sends files beside a text: what they are stands with them. */
const textFor = ({ type, attachments: [file] }: Message): TextKey =>
  byType[type] ?? (file ? (byType[file.mime.split('/')[0] as Message['type']] ?? 'gotFile') : 'needSentence');

const isSticker = ({ details }: Message): boolean => details?.['sticker'] === true;

/** A picture, a voice message, a place, and not a word: no question. The bot says what it can do, and offers a person. */
export const filesHandler: Handler = {
  name: 'files',
  priority: 30,
  accepts: (input) => input.action === undefined && questionOf(input) === '',
  run: async (input, say) => {
    const last = input.pending.at(-1);
    if (input.alreadySent.length === 0) await say(last && isSticker(last) ? smile(input) : sentenceFor(input, last));
    return { handler: 'files' };
  },
};

const sentenceFor = (input: TurnInput, last: Message | undefined) => ({
  text: input.texts(last ? textFor(last) : 'needSentence'),
  choices: choicesOf(input),
});

/** A sticker is small talk: a greeting at the beginning, thanks after an answer. */
const smile = ({ bot, history, texts }: TurnInput) =>
  history.some(({ author }) => author.type === 'bot')
    ? { text: texts('welcome') }
    : { text: bot.greeting || texts('hello') };
