import { eld } from 'eld/extrasmall';

/** Below this many letters a guess is worth less than what is known already. */
const ENOUGH_LETTERS = 10;

/** ISO 639-1 of a text: the detector's word when it is sure, else the fallbacks in order, else English. */
export function languageOf(text: string, ...fallbacks: (string | null | undefined)[]): string {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  if (letters >= ENOUGH_LETTERS) {
    const guess = eld.detect(text.slice(0, 2000));
    if (guess.isReliable() && guess.language) return guess.language;
  }
  for (const fallback of fallbacks) {
    const code = fallback?.slice(0, 2).toLowerCase();
    if (code && /^[a-z]{2}$/.test(code)) return code;
  }
  return 'en';
}
