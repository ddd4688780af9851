import type { Block } from './types.ts';

/** Line breaks unified; control, zero-width and soft-hyphen characters out; trailing blanks out; blank lines at most one. */
export const tidy = (text: string): string =>
  text
    .replace(/\r\n?/g, '\n')
    .replace(/[\f\u2028\u2029]/g, '\n')
    // oxlint-disable-next-line no-control-regex -- control characters are exactly what is meant
    .replace(/[\u0000-\u0008\u000b\u000e-\u001f\u007f\u00ad\u200b\u2060\ufeff]/g, '')
    .replace(/\u00a0/g, ' ')
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n');

const pageNumber = /^(?:page\s+)?[-–—]?\s*\d{1,4}\s*[-–—]?(?:\s*(?:of|\/)\s*\d{1,4})?$/i;
/** Longer lines are none, and would cost the expression quadratic time. */
const isPageNumber = (line: string): boolean => line.length <= 40 && pageNumber.test(line);
const digitsOut = (line: string): string => line.trim().toLowerCase().replace(/\d+/g, '#');

const edgeLines = (block: Block): string[] => {
  const lines = block.text.split('\n');
  return [...new Set([lines[0], lines.at(-1)])].filter((line) => line !== undefined).map(digitsOut);
};

/**
 * Paged formats repeat a header and a footer on every page: an edge line seen on most pages goes, and so do page
 * numbers. Blocks without pages are left alone.
 */
const withoutFurniture = (blocks: Block[]): Block[] => {
  const pages = new Set(blocks.flatMap((block) => (block.page === undefined ? [] : [block.page])));
  if (pages.size === 0) return blocks;
  const seen = new Map<string, Set<number>>();
  for (const block of blocks) {
    if (block.page === undefined) continue;
    for (const line of edgeLines(block)) {
      const on = seen.get(line) ?? new Set();
      seen.set(line, on.add(block.page));
    }
  }
  const recurs = (line: string) => pages.size >= 3 && (seen.get(digitsOut(line))?.size ?? 0) >= pages.size * 0.6;
  return blocks.map((block) => {
    if (block.page === undefined || block.kind === 'code') return block;
    const lines = block.text.split('\n');
    const kept = lines.filter(
      (line, at) => !isPageNumber(line.trim()) && !((at === 0 || at === lines.length - 1) && recurs(line)),
    );
    return { ...block, text: kept.join('\n').trim() };
  });
};

const contentsTitle = /^\W*table of contents\W*$/i;

const saysSomething = (block: Block): boolean => /[\p{L}\p{N}]/u.test(block.text);

const isRepeat = (block: Block, before: Block | undefined): boolean =>
  block.text === before?.text && block.headingPath.join('\n') === before.headingPath.join('\n');

/** What a reader would skip goes: page furniture, empty blocks, a block repeated right after itself under the same heading. */
export const clean = (blocks: Block[]): Block[] =>
  withoutFurniture(blocks.filter((block) => !contentsTitle.test(block.text)))
    .map((block) => ({ ...block, text: tidy(block.text).trim() }))
    .filter(saysSomething)
    .filter((block, at, all) => !isRepeat(block, all[at - 1]));
