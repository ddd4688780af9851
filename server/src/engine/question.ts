import type { Choice, Message } from '@parley/contract';

const FILE_NAME = /^[^\n/\\]{1,200}\.[a-z0-9]{2,5}$/i;

/** What a customer said in words: the name of a file that came along is none of them, nor is a contact's card. */
export function wordsOf(message: Pick<Message, 'text' | 'type' | 'attachments'>): string {
  const text = message.text.trim();
  const names = message.attachments.map(({ name }) => name);
  if (message.type === 'contact' || text === names.join(', ') || names.includes(text)) return '';
  const hasFile = ['image', 'audio', 'video', 'document'].includes(message.type);
  return hasFile && FILE_NAME.test(text) ? '' : text;
}

/** The words of the pending messages as one question; '' when there is none. */
export const questionOf = ({ pending }: { pending: Message[] }): string =>
  pending
    .map(wordsOf)
    .filter((text) => text !== '')
    .join('\n');

/** Digits of any script as ours. */
const numberIn = (text: string): number | undefined => {
  const digits = text.replace(/[\s.)#:]/g, '');
  if (!/^\p{Nd}$/u.test(digits)) return undefined;
  // Digits stand in rows of ten, each row begins with its zero.
  const code = digits.codePointAt(0) ?? 0;
  for (let zero = code; zero > code - 10; zero -= 1)
    if (!/^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) return code - zero;
  return undefined;
};

/** Which choice of the bot's last message is meant: by its number, or by the words on the button. */
export function chosenBy(text: string, history: Message[]): Choice['id'] | undefined {
  const { choices = [] } = history.findLast(({ author }) => author.type === 'bot' || author.type === 'agent') ?? {};
  if (choices.length === 0 || text.length > 100) return undefined;
  const number = numberIn(text);
  if (number !== undefined) return choices[number - 1]?.id;
  const wanted = text.trim().toLowerCase();
  return choices.find((choice) => choice.text.toLowerCase() === wanted)?.id;
}
