import type { Block } from '../types.ts';

/** Letters and digits in a row; where words are not parted by spaces (Han, Kana, Thai, Lao, Khmer), each letter. */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]|[\p{L}\p{N}\p{M}]+/gu;

/** How many words a text has, by one measure for what was read and for what can be found. Linear in its length. */
export const countWords = (text: string): number => {
  let count = 0;
  WORD.lastIndex = 0;
  while (WORD.test(text)) count += 1;
  return count;
};

/** The words of blocks, and of each heading above them once. */
export function wordsOf(blocks: Iterable<Pick<Block, 'text' | 'headingPath'>>): number {
  const headings = new Set<string>();
  let count = 0;
  for (const { text, headingPath } of blocks) {
    count += countWords(text);
    headingPath.forEach((heading, depth) => {
      const path = headingPath.slice(0, depth + 1).join('\n');
      if (headings.has(path)) return;
      headings.add(path);
      count += countWords(heading);
    });
  }
  return count;
}
