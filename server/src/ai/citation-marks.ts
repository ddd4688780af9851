import type { Passage } from './retrieval.ts';

const CODE = /(```[\s\S]*?(?:```|$)|`[^`\n]*`)/;
const ONE = String.raw`(?:(?:passage|source|doc|chunk) |p)?\d{1,3}(?:†[^\]】]{0,80})?`;
/** `[1]`, `[p2]`, `[p1, p3]`, `[^1]`, `【2】`; no link and no footnote's text. */
const MARKS = new RegExp(String.raw`[ \t]?[[【]\^?(${ONE}(?: ?[,;&] ?${ONE}| and ${ONE}){0,9})[\]】](?![(:])`, 'giu');
/** Beside a letter it is part of what is quoted: `list[0]`. */
const QUOTED_MARKS = /(?:[ \t]|(?<![\p{L}\p{N}_\])]))\[\^?\d{1,3}\](?![(:])/gu;

const outsideCode = (text: string, change: (prose: string) => string): string =>
  text
    .split(CODE)
    .map((part, index) => (index % 2 === 1 ? part : change(part)))
    .join('');

/**
 * Numbers of sources in a text, as a reader meets them: 1 is the first that is named, and what names no passage is taken
 * out. `passages` are those the model was given, by the ids it has for them.
 */
export function createCitationMarks() {
  const cited: Passage[] = [];
  const numberOf = (passage: Passage): number => {
    const known = cited.findIndex(({ chunkId }) => chunkId === passage.chunkId);
    return known >= 0 ? known + 1 : cited.push(passage);
  };

  return {
    number: (text: string, passages: Map<string, Passage>): string =>
      outsideCode(text, (prose) =>
        prose.replace(MARKS, (whole, ids: string) => {
          const found = (ids.match(/\d{1,3}(?!\d)(?:†[^,;&]*)?/g) ?? []).flatMap((id) => {
            const passage = passages.get(`p${Number.parseInt(id, 10)}`);
            return passage ? [`[${numberOf(passage)}]`] : [];
          });
          const space = /^[ \t]/.exec(whole)?.[0] ?? '';
          return found.length > 0 ? space + [...new Set(found)].join('') : '';
        }),
      ).trim(),
    /** in the order of their numbers */
    cited: (): Passage[] => cited,
  };
}

/** A quotation without the numbers of its own source's footnotes: here they would name something else. */
export const withoutFootnotes = (text: string): string =>
  outsideCode(text, (prose) => prose.replace(QUOTED_MARKS, '')).trim();
