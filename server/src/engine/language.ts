import { eld } from 'eld/extrasmall';
import { languagesOfSmallTalk } from './talk/small-talk.ts';

/** Below this many letters a guess is worth less than what is known already. */
const ENOUGH_LETTERS = 10;
/** Earlier words of the customer that are looked at, the newest first. */
const EARLIER = 5;

/** ISO 639-1 of a text when the detector is sure of it. */
function surelyOf(text: string): string | undefined {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  // A few letters of these scripts are enough to know.
  if (letters >= 3 && /[\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text)) return 'ja';
  if (letters < ENOUGH_LETTERS) return undefined;
  const guess = eld.detect(text.slice(0, 2000));
  return guess.isReliable() && guess.language ? guess.language : undefined;
}

const codeOf = (language: string | null | undefined): string | undefined =>
  /^[a-z]{2}(?![a-z])/.exec(language?.toLowerCase() ?? '')?.[0];

/**
 * ISO 639-1 of a conversation: of what the customer says when that is sure, else of their words before, else the fallbacks
 * in order (the contact's language, the bot's), else English.
 */
export function languageOf(
  text: string,
  { earlier = [], fallbacks }: { earlier?: string[]; fallbacks: (string | null | undefined)[] },
): string {
  const known = fallbacks.map(codeOf).filter((code) => code !== undefined);
  // "Danke" is too short for a detector, and plain enough all the same.
  const polite = languagesOfSmallTalk(text);
  if (polite.length > 0) {
    const before = surelyOf(earlier.slice(-EARLIER).join('\n'));
    const expected = [before, ...known].find((code) => code !== undefined && polite.includes(code));
    return expected ?? polite[0] ?? 'en';
  }
  return surelyOf(text) ?? surelyOf(earlier.slice(-EARLIER).join('\n')) ?? known[0] ?? 'en';
}
