/**
 * Markdown in pieces that are parsed one by one, each at most so long, since the parser's cost grows with the square of some
 * inputs. Marks that are open where a piece ends are closed there and opened again in the next.
 */
import { lastGrapheme } from './rich-text.ts';

/** `glue` stands before it, where something does; `code`: the lines of a fence, which say nothing else. */
export type Slice = { text: string; glue: '\n\n' | '\n' | ' ' | ''; code?: { language: string } };

export function slices(markdown: string, most: number): Slice[] {
  if (markdown.length <= most) return [{ text: markdown, glue: '' }];
  const pieces: Slice[] = [];
  let current = '';
  const flush = (): void => {
    if (current !== '') pieces.push({ text: current, glue: '\n\n' });
    current = '';
  };
  for (const paragraph of paragraphsOf(markdown)) {
    if (paragraph.length > most) {
      flush();
      pieces.push(...ofLongParagraph(paragraph, most));
      continue;
    }
    if (current.length + paragraph.length > most) flush();
    current += paragraph;
  }
  flush();
  return pieces;
}

const fenceOf = (line: string): string | undefined => /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];

/** Ends at blank lines outside of fences, with them. */
function paragraphsOf(markdown: string): string[] {
  const paragraphs: string[] = [];
  let paragraph: string[] = [];
  let fence: string | undefined;
  const end = (): void => {
    if (paragraph.length > 0) paragraphs.push(`${paragraph.join('\n')}\n`);
    paragraph = [];
  };
  for (const line of markdown.split('\n')) {
    const mark = fenceOf(line);
    if (fence === undefined) fence = mark;
    else if (mark?.startsWith(fence)) fence = undefined;
    paragraph.push(line);
    if (fence === undefined && line.trim() === '') end();
  }
  end();
  return paragraphs;
}

/** Its fences apart, and the lines between them. */
function ofLongParagraph(paragraph: string, most: number): Slice[] {
  const pieces: Slice[] = [];
  let lines: string[] = [];
  let fence: { mark: string; language: string; lines: string[] } | undefined;
  const endLines = (): void => {
    const text = lines.join('\n').trimEnd();
    if (text !== '') pieces.push(...ofLongText(text, most));
    lines = [];
  };
  const endFence = ({ language, lines: code }: { language: string; lines: string[] }): void => {
    pieces.push({ text: code.join('\n').trimEnd(), glue: '\n\n', code: { language } });
    fence = undefined;
  };
  for (const line of paragraph.split('\n')) {
    const mark = fenceOf(line);
    if (fence && mark?.startsWith(fence.mark)) endFence(fence);
    else if (fence) fence.lines.push(line);
    else if (mark !== undefined) {
      endLines();
      fence = { mark, language: line.trim().slice(mark.length).trim(), lines: [] };
    } else lines.push(line);
  }
  if (fence) endFence(fence);
  endLines();
  return pieces.map((piece, index) => (index === 0 ? { ...piece, glue: '\n\n' } : piece));
}

function ofLongText(text: string, most: number): Slice[] {
  const pieces: Slice[] = [];
  const marks = marksOf(text);
  // What is closed and opened again takes room, too.
  const room = Math.floor(most * 0.9);
  let at = 0;
  let opening = '';
  let glue: Slice['glue'] = '\n\n';
  while (at < text.length) {
    const rest = text.length - at <= room;
    const cut = rest ? { end: text.length, glue: '' as const } : cutOf(text, at, room, marks);
    const open = rest ? [] : marks.filter(({ start, end }) => start < cut.end && end > cut.end);
    pieces.push({ text: opening + text.slice(at, cut.end).trimEnd() + closingOf(open), glue });
    opening = open.map(({ mark }) => mark).join('');
    ({ glue } = cut);
    at = cut.end;
  }
  return pieces;
}

const closingOf = (open: Mark[]): string =>
  open
    .map(({ close }) => close)
    .reverse()
    .join('');

/** After a line, else a sentence, else a word, else a character; never inside of an address. */
function cutOf(text: string, at: number, room: number, marks: Mark[]): { end: number; glue: Slice['glue'] } {
  const window = text.slice(at, at + room);
  const least = Math.floor(room / 4);
  const newline = window.lastIndexOf('\n') + 1;
  const sentence = window.lastIndexOf('. ') + 2;
  const word = window.lastIndexOf(' ') + 1;
  const found: [number, Slice['glue']] =
    newline >= least ? [newline, '\n'] : sentence > least ? [sentence, ' '] : word >= least ? [word, ' '] : [0, ''];
  const [length, glue] = found;
  const end = at + (length > 0 ? length : lastGrapheme(text.slice(at, at + room + 64), room));
  const inside = marks.find(
    (mark) => mark.words !== undefined && mark.words <= end && mark.end > end && mark.start > at,
  );
  return inside ? { end: inside.start, glue: '' } : { end, glue };
}

/** From its first sign to after its last. `words`: where those of a link end and its address begins. */
type Mark = { start: number; end: number; mark: string; close: string; words?: number };

const LINK = /\[[^[\]\n]{0,1000}\]\(([^\s()]{1,2000})\)/g;
const SIGN = /\\.|`{1,3}|\*\*|__|~~|\*|_/gs;

/** Pairs of marks, the outer before the inner. One that is never closed says nothing. */
function marksOf(text: string): Mark[] {
  const found: Mark[] = [];
  for (const link of text.matchAll(LINK)) {
    const [whole, address = ''] = link;
    const end = link.index + whole.length;
    const close = `](${address})`;
    found.push({ start: link.index, end, mark: '[', close, words: end - close.length });
  }
  const open: { sign: string; at: number }[] = [];
  let code: { sign: string; at: number } | undefined;
  for (const { 0: sign, index: at } of text.matchAll(SIGN)) {
    if (code) {
      if (sign !== code.sign) continue;
      found.push({ start: code.at, end: at + sign.length, mark: sign, close: sign });
      code = undefined;
      continue;
    }
    if (sign.startsWith('\\')) continue;
    const before = text[at - 1] ?? ' ';
    const after = text[at + sign.length] ?? ' ';
    if (sign.startsWith('`')) {
      if (text.indexOf(sign, at + sign.length) >= 0) code = { sign, at };
      continue;
    }
    const isWordy = sign.startsWith('_');
    const opener = open.findLastIndex((one) => one.sign === sign);
    if (opener >= 0 && /\S/.test(before) && !(isWordy && /[\p{L}\p{N}]/u.test(after))) {
      found.push({ start: open[opener]?.at ?? at, end: at + sign.length, mark: sign, close: sign });
      // What was opened inside and not closed is none.
      open.length = opener;
    } else if (/\S/.test(after) && !(isWordy && /[\p{L}\p{N}]/u.test(before))) open.push({ sign, at });
    if (open.length > 50) open.shift();
  }
  return found.sort((one, other) => one.start - other.start || other.end - one.end);
}
