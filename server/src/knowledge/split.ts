import { countTokens } from './tokens.ts';
import type { Block } from './types.ts';

const overlapTokens = 40;

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/** Pieces joined as long as they fit; a piece that does not fit alone is given to `smaller`. */
const fill = (pieces: string[], limit: number, smaller: (piece: string) => string[], overlap = 0): string[] => {
  const result: string[] = [];
  let current: string[] = [];
  let size = 0;
  const close = () => {
    if (current.length > 0) result.push(current.join(''));
    const last = current.at(-1) ?? '';
    // Only the last sentence comes along, and only a short one: enough for a "this" to keep its noun.
    const carried = overlap > 0 && current.length > 1 && countTokens(last) <= overlap ? last : '';
    current = carried ? [carried] : [];
    size = carried ? countTokens(carried) : 0;
  };
  for (const piece of pieces) {
    const tokens = countTokens(piece);
    if (tokens > limit) {
      close();
      current = [];
      size = 0;
      result.push(...smaller(piece));
      continue;
    }
    if (size + tokens > limit && current.length > 0) close();
    if (size + tokens > limit) {
      current = [];
      size = 0;
    }
    current.push(piece);
    size += tokens;
  }
  if (current.length > 0) result.push(current.join(''));
  return result.map((text) => text.trimEnd()).filter((text) => text.trim());
};

/** The last resort for text without spaces or line breaks: by length, never through a surrogate pair. */
const byLength = (text: string, limit: number): string[] => {
  const letters = [...text];
  // A token of any text has at least one character, so `limit` characters always fit in `limit` × 4 bytes; start wide.
  const pieces: string[] = [];
  for (let at = 0; at < letters.length;) {
    let length = Math.min(letters.length - at, Math.max(1, limit * 4));
    while (length > 1 && countTokens(letters.slice(at, at + length).join('')) > limit) length = Math.ceil(length / 2);
    pieces.push(letters.slice(at, at + length).join(''));
    at += length;
  }
  return pieces;
};

const byWords = (text: string, limit: number): string[] =>
  fill(text.match(/\S+\s*|\s+/g) ?? [text], limit, (word) => byLength(word, limit));
const sentences = (text: string): string[] => [...segmenter.segment(text)].map(({ segment }) => segment);
const bySentences = (text: string, limit: number): string[] =>
  fill(sentences(text), limit, (sentence) => byWords(sentence, limit), overlapTokens);
const lines = (text: string): string[] => text.split(/(?<=\n)/);
const byLines = (text: string, limit: number): string[] => fill(lines(text), limit, (line) => bySentences(line, limit));

/** List items with everything nested under them. */
const items = (text: string): string[] => {
  const result: string[] = [];
  for (const line of lines(text)) {
    if (result.length > 0 && !/^(?:[-*+]|\d{1,9}[.)])\s/.test(line)) result[result.length - 1] += line;
    else result.push(line);
  }
  return result;
};

/** A fence is closed and opened again at every cut, so each part is a code block by itself. */
const splitCode = (text: string, limit: number): string[] => {
  const all = text.split('\n');
  const opening = all[0] ?? '```';
  const closing = all.at(-1) ?? '```';
  const room = limit - countTokens(opening) - countTokens(closing) - 4;
  // A first line that leaves no room for others is no fence.
  if (room < 64) return byLines(text, limit);
  const inner = `${all.slice(1, -1).join('\n')}\n`;
  return fill(lines(inner), room, (line) => byLength(line, room)).map((part) => `${opening}\n${part}\n${closing}`);
};

/** Every part of a table repeats its head. */
const splitTable = (text: string, limit: number): string[] => {
  const rows = lines(text);
  const head = rows.slice(0, 2).join('');
  const room = limit - countTokens(head) - 4;
  if (room < 64) return byLines(text, limit);
  return fill(rows.slice(2), room, (row) => bySentences(row, room)).map((part) => `${head}${part}`);
};

/** A block larger than `limit` tokens → blocks that fit; anything else stays whole. */
export const splitBlock = (block: Block, limit: number): Block[] => {
  if (countTokens(block.text) <= limit) return [block];
  const part = {
    code: () => splitCode(block.text, limit),
    table: () => splitTable(block.text, limit),
    list: () => fill(items(block.text), limit, (item) => byLines(item, limit)),
    text: () => bySentences(block.text, limit),
  }[block.kind];
  return part().map((text) => ({ ...block, text }));
};
