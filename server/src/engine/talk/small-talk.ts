import { talks, unitsOf } from './words.ts';
import type { Talk } from './words.ts';
import wordless from './wordless.json' with { type: 'json' };

/** `unclear`: signs that ask for something without saying what, such as "??". */
export type SmallTalk = 'hello' | 'thanks' | 'bye' | 'unclear';

/** Nobody says thanks in more letters; what is longer is read as a question without being looked at. */
const LONGEST = 160;

const kinds = ['bye', 'thanks', 'hello'] as const;

/** The kinds of phrase a text is wholly made of, in one language; undefined when a word is left over. */
function wholly(talk: Talk, text: string): Set<string> | undefined {
  const units = unitsOf(text, talk.byLetter);
  if (units.length === 0) return undefined;
  // By place: the kinds of the phrases that lead there. The longer phrase first, so that "have a nice day" is one.
  const reached: (Set<string> | undefined)[] = [new Set()];
  for (let from = 0; from < units.length; from += 1) {
    const before = reached[from];
    if (!before) continue;
    for (const kind of [...kinds, 'filler'] as const)
      for (const to of talk[kind].endsOf(units, from)) reached[to] ??= new Set([...before, kind]);
  }
  const found = reached[units.length];
  return found && kinds.some((kind) => found.has(kind)) ? found : undefined;
}

/** Signs alone: a thumb is thanks, a wave a greeting, a question mark asks for something. */
function wordlessTalk(text: string): SmallTalk | undefined {
  const signs = text.replace(/\s|\u200d|\ufe0e|\ufe0f|\p{Emoji_Modifier}/gu, '');
  if (signs === '') return undefined;
  if (wordless.unclear.some((sign) => signs.includes(sign))) return 'unclear';
  if (wordless.hello.some((sign) => signs.includes(sign))) return 'hello';
  return /\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(signs) ||
    wordless.thanks.some((sign) => signs === sign)
    ? 'thanks'
    : 'unclear';
}

/**
 * Set only when the text is nothing but small talk, in whichever language: a question after "hi" is a question. In the
 * conversation's own language first: "ciao" is a greeting in Italian alone.
 */
export function smallTalkOf(text: string, language = 'en'): SmallTalk | undefined {
  if (!/[\p{L}\p{N}]/u.test(text)) return wordlessTalk(text);
  if (text.length > LONGEST) return undefined;
  for (const talk of [talks[language], ...Object.values(talks)]) {
    const found = talk && wholly(talk, text);
    const kind = found && kinds.find((each) => found.has(each));
    if (kind) return kind;
  }
  return undefined;
}

/** The languages in which a text is wholly small talk; none when it is no small talk, or has no words. */
export const languagesOfSmallTalk = (text: string): string[] =>
  text.length > LONGEST
    ? []
    : Object.entries(talks).flatMap(([language, talk]) => (wholly(talk, text) ? [language] : []));

/** The question without the greeting before it and the thanks after it; the text itself where nothing else is left. */
export function withoutSmallTalk(text: string): string {
  if (text.length > 2_000) return text;
  const sentences = text.match(/[^.!?。！？؟\n]+[.!?。！？؟\n]*\s*/g) ?? [text];
  const isTalk = (sentence: string | undefined) => {
    const kind = sentence === undefined ? undefined : smallTalkOf(sentence);
    return kind !== undefined && kind !== 'unclear';
  };
  let from = 0;
  let to = sentences.length;
  while (from < to && isTalk(sentences[from])) from += 1;
  while (to > from && isTalk(sentences[to - 1])) to -= 1;
  return sentences.slice(from, to).join('').trim() || text;
}
