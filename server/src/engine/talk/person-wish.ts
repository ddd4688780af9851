import { smallTalkOf } from './small-talk.ts';
import { talks, unitsOf } from './words.ts';
import type { Talk } from './words.ts';

/** A wish is short; a long text is a question that may mention people. */
const LONGEST = 400;
/** Words such as "to a real" between the wish and the person. */
const BETWEEN = 6;

/** Whether a phrase of `second` follows, with nothing but links between. */
function isFollowed(talk: Talk, units: string[], from: number, second: 'want' | 'people', links = BETWEEN): boolean {
  if (talk[second].endsOf(units, from).length > 0) return true;
  return links > 0 && talk.link.endsOf(units, from).some((end) => isFollowed(talk, units, end, second, links - 1));
}

function wishes(talk: Talk, sentence: string): boolean {
  const units = unitsOf(sentence, talk.byLetter);
  for (let from = 0; from < units.length; from += 1) {
    // In a language without spaces "personal" is no "person": what stands before must not be a part of the word.
    const within = talk.byLetter && from > 0 && /[\p{Script=Han}\p{N}]/u.test(units[from - 1] ?? '');
    if (talk.want.endsOf(units, from).some((end) => isFollowed(talk, units, end, 'people'))) return true;
    if (within) continue;
    if (talk.people.endsOf(units, from).some((end) => isFollowed(talk, units, end, 'want'))) return true;
  }
  return false;
}

/** Nothing but the person: "a human, please". */
function isOnlyPerson(talk: Talk, text: string): boolean {
  const units = unitsOf(text, talk.byLetter);
  if (units.length === 0 || units.length > (talk.byLetter ? 14 : 5)) return false;
  const from = (at: number, seen: boolean): boolean =>
    at === units.length
      ? seen
      : talk.people.endsOf(units, at).some((end) => from(end, true)) ||
        talk.link.endsOf(units, at).some((end) => from(end, seen));
  return from(0, false);
}

/** The customer asks for a human in so many words, in whichever language. */
export function asksForPerson(text: string): boolean {
  if (text.length > LONGEST || smallTalkOf(text) !== undefined) return false;
  // Quick messages are one text, a line each.
  const lines = text.split('\n');
  const sentences = text.split(/[.!?。！？؟\n]+/);
  return Object.values(talks).some(
    (talk) => lines.some((line) => isOnlyPerson(talk, line)) || sentences.some((sentence) => wishes(talk, sentence)),
  );
}
