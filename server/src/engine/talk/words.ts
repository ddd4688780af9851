import ar from './languages/ar.json' with { type: 'json' };
import de from './languages/de.json' with { type: 'json' };
import en from './languages/en.json' with { type: 'json' };
import es from './languages/es.json' with { type: 'json' };
import fi from './languages/fi.json' with { type: 'json' };
import fr from './languages/fr.json' with { type: 'json' };
import it from './languages/it.json' with { type: 'json' };
import ja from './languages/ja.json' with { type: 'json' };
import nl from './languages/nl.json' with { type: 'json' };
import pl from './languages/pl.json' with { type: 'json' };
import pt from './languages/pt.json' with { type: 'json' };
import sv from './languages/sv.json' with { type: 'json' };
import vi from './languages/vi.json' with { type: 'json' };

/** Words as they are compared: small letters, no accents, apostrophes or marks, no letter more than twice in a row. */
export const plain = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFD')
    .replace(/[\u0300-\u036f\u064b-\u065f\u0670'’`´]/g, '')
    .normalize('NFC')
    .replace(/(\p{L})\1{2,}/gu, '$1');

/** A text as the units phrases are made of: words, or letters in a language without spaces. */
export function unitsOf(text: string, byLetter: boolean): string[] {
  const words = plain(text).match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  return byLetter ? [...words.join('')] : words;
}

type Lists = Record<'hello' | 'thanks' | 'bye' | 'filler' | 'want' | 'link' | 'people', string[]>;

/** Phrases of one kind: where those that begin at a place of a text end, the longest first. */
type Phrases = { endsOf(units: string[], from: number): number[] };
export type Talk = { byLetter: boolean } & Record<keyof Lists, Phrases>;

function phrasesOf(phrases: string[], byLetter: boolean): Phrases {
  const between = byLetter ? '' : ' ';
  const split = phrases.map((phrase) => unitsOf(phrase, byLetter));
  const known = new Set(split.map((units) => units.join(between)));
  /** By first unit the longest phrase: most places of most texts begin none. */
  const longest = new Map<string, number>();
  for (const units of split) longest.set(units[0] ?? '', Math.max(units.length, longest.get(units[0] ?? '') ?? 0));
  return {
    endsOf(units, from) {
      const ends: number[] = [];
      const most = Math.min(longest.get(units[from] ?? '') ?? 0, units.length - from);
      for (let length = most; length > 0; length -= 1)
        if (known.has(units.slice(from, from + length).join(between))) ends.push(from + length);
      return ends;
    },
  };
}

function read(lists: Lists, byLetter = false): Talk {
  const of = (kind: keyof Lists) => phrasesOf(lists[kind], byLetter);
  return {
    byLetter,
    hello: of('hello'),
    thanks: of('thanks'),
    bye: of('bye'),
    filler: of('filler'),
    want: of('want'),
    link: of('link'),
    people: of('people'),
  };
}

/** What people say without asking anything, and how they ask for a person, a file for each language. */
export const talks: Record<string, Talk> = {
  en: read(en),
  de: read(de),
  fi: read(fi),
  fr: read(fr),
  es: read(es),
  pt: read(pt),
  it: read(it),
  sv: read(sv),
  nl: read(nl),
  pl: read(pl),
  vi: read(vi),
  ja: read(ja, true),
  ar: read(ar),
};
