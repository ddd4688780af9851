/** A passage's Markdown → the units an extractive answer may quote, in reading order. */

export type UnitKind = 'sentence' | 'item' | 'row' | 'code';

export type Unit = {
  kind: UnitKind;
  /** ready to be shown: Markdown, on one line unless it is code */
  text: string;
  /** as it stands in the passage, white space collapsed; for checking a citation */
  quote: string;
  /** units of one paragraph, list or table share a block */
  block: number;
};

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

const collapse = (text: string): string => text.replace(/\s+/g, ' ').trim();
const count = (text: string, mark: string): number => text.split(mark).length - 1;

/** What a sentence has opened so far: counted once a segment, not again for everything before it. */
const createOpen = () => {
  let [ticks, brackets, parentheses] = [0, 0, 0];
  return {
    /** whether the sentence goes on after this segment of it */
    after(segment: string): boolean {
      ticks += count(segment, '`');
      brackets += count(segment, '[') - count(segment, ']');
      parentheses += count(segment, '(') - count(segment, ')');
      return (
        ticks % 2 === 1 ||
        brackets > 0 ||
        parentheses > 0 ||
        /\b(?:e\.g|i\.e|vs|etc|cf|approx|no)\.\s*$/i.test(segment.slice(-12))
      );
    },
  };
};

/** Sentences of a paragraph; a full stop inside code, brackets or "e.g." ends none. */
export const splitSentences = (paragraph: string): string[] => {
  const result: string[] = [];
  let sentence = '';
  let open = createOpen();
  for (const { segment } of segmenter.segment(collapse(paragraph))) {
    sentence += segment;
    if (open.after(segment)) continue;
    result.push(sentence.trim());
    sentence = '';
    open = createOpen();
  }
  if (sentence.trim()) result.push(sentence.trim());
  return result;
};

const notice =
  /^(?:[\p{Extended_Pictographic}ℹ⚠]\ufe0f?\s*)?(?:\*{0,2}(?:note|warning|tip|security|important|warn)\b\*{0,2}\s*:\s*)/iu;

/** Emphasis cut in half by the split is dropped, so are "Note:" marks and reference links. */
const presentable = (sentence: string): string => {
  let text = sentence.replace(notice, '').replace(/\[([^\][]{1,200})\]\[[^\][]{0,100}\]/g, '$1');
  for (const mark of ['**', '__']) if (count(text, mark) % 2 === 1) text = text.replaceAll(mark, '');
  const stars = text.replaceAll('**', '');
  if (count(stars, '*') % 2 === 1) text = text.replace(/(^|\s)\*(?=\S)|(?<=\S)\*(?=\s|$)/g, '$1');
  if (/^_[^_]/.test(text) && !/_\W*$/.test(text)) text = text.slice(1);
  return text
    ? (text[0] ?? '').toUpperCase() === text[0] || /^[`\w]*[A-Z`(]/.test(text)
      ? text
      : capital(text, sentence)
    : text;
};

/** Only a text whose lead ("Note:") was taken off gets a new capital; `npm` or "fastify" at the start stays. */
const capital = (text: string, sentence: string): string =>
  text === sentence ? text : (text[0] ?? '').toUpperCase() + text.slice(1);

type Block = { kind: 'text' | 'list' | 'table' | 'code'; lines: string[] };

const bullet = /^\s*(?:[-*+]|\d{1,9}[.)])\s+/;

const splitBlocks = (markdown: string): Block[] => {
  const blocks: Block[] = [];
  let fence = '';
  let open: Block | undefined;
  let afterBlank = false;
  for (const line of markdown.split('\n')) {
    const mark = line.match(/^\s*(```+|~~~+)/)?.[1];
    if (fence) {
      open?.lines.push(line);
      if (mark?.startsWith(fence)) {
        fence = '';
        open = undefined;
      }
      continue;
    }
    if (mark) {
      fence = mark;
      open = { kind: 'code', lines: [line] };
      blocks.push(open);
      continue;
    }
    if (!line.trim()) {
      // A loose list goes on over blank lines; anything else ends.
      if (open?.kind !== 'list') open = undefined;
      afterBlank = true;
      continue;
    }
    const isItem = bullet.test(line);
    const inItem: boolean = open?.kind === 'list' && !isItem && (/^\s/.test(line) || !afterBlank);
    const kind = isItem || inItem ? 'list' : /^\s*\|/.test(line) ? 'table' : 'text';
    afterBlank = false;
    if (open?.kind !== kind) {
      open = { kind, lines: [] };
      blocks.push(open);
    }
    open.lines.push(line);
  }
  return blocks;
};

const items = (lines: string[]): string[] => {
  const result: string[] = [];
  for (const line of lines) {
    if (bullet.test(line) || result.length === 0) result.push(line.replace(bullet, ''));
    else result[result.length - 1] += ` ${line.trim()}`;
  }
  return result;
};

const cells = (row: string): string[] =>
  row
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => collapse(cell.replaceAll('\\|', '|').replace(/<a\b[^>]{0,200}>|<\/a>/g, '')));

const rows = (lines: string[], block: number): Unit[] => {
  const [head = '', ...rest] = lines;
  const names = cells(head);
  return rest
    .filter((line) => !/^[\s|:-]+$/.test(line))
    .map((line) => {
      const [first = '', ...others] = cells(line);
      const named = others.flatMap((cell, at) =>
        cell && !/^\[?#\d+/.test(cell) ? [`${names[at + 1] || ''}: ${cell}`.replace(/^: /, '')] : [],
      );
      return {
        kind: 'row',
        text: `${first}. ${named.join('. ')}`.replace(/\.{2,}/g, '.'),
        quote: collapse(line),
        block,
      };
    });
};

export const units = (markdown: string): Unit[] =>
  splitBlocks(markdown).flatMap(({ kind, lines }, block): Unit[] => {
    const raw = lines.join('\n');
    if (kind === 'code') return [{ kind: 'code', text: raw, quote: collapse(raw), block }];
    if (kind === 'table') return rows(lines, block);
    if (kind === 'list')
      return items(lines).map((text) => ({
        kind: 'item',
        text: presentable(collapse(text)),
        quote: collapse(text),
        block,
      }));
    return splitSentences(raw).map((text) => ({ kind: 'sentence', text: presentable(text), quote: text, block }));
  });
