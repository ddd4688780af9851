import { Lexer, type Token, type Tokens } from 'marked';
import { tidy } from '../clean.ts';
import type { Block, BlockKind, Found } from '../types.ts';
import type { Extractor } from './contract.ts';
import { extractionFailed } from './failure.ts';
import { charsetOf, decodeText } from './decode.ts';
import { titleFromName } from './text.ts';
import { countWords } from './words.ts';

const maximumBytes = 5 * 1024 * 1024;

/** A line of YAML or TOML as it stands in front matter: a key, an entry of a list, something indented, a comment, nothing. */
const metaLine =
  /^(?:[\w"'.-][\w"'. -]{0,80}\s?[:=](?:\s|$)|[\w-]{1,80}\s?=|-(?:\s|$)|\s+\S|#|[\]}],?$|\[{1,2}[\w. -]{1,80}\]{1,2}$|$)/;

/** Front matter is metadata; only its title is of use. Between rules that stand in a text there are sentences. */
const splitFrontMatter = (text: string): { title?: string; body: string; isCut: boolean } => {
  const fence = ['---', '+++'].find((mark) => text.startsWith(`${mark}\n`));
  const end = fence === undefined ? -1 : text.indexOf(`\n${fence}`, 3);
  if (fence === undefined || end === -1 || !/^\s*$/.test(text.slice(end + 4, lineEnd(text, end + 4))))
    return { body: text, isCut: false };
  const meta = text.slice(4, Math.max(4, end));
  const lines = meta.split('\n');
  if (!lines.every((line) => metaLine.test(line.slice(0, 200))) || !lines.some((line) => /^["'\w]/.test(line)))
    return { body: text, isCut: false };
  const title = meta.match(/^["']?title["']?[ \t]*[:=][ \t]*["']?([^"'\n]{1,200})/m)?.[1]?.trim();
  const body = text.slice(end + 4);
  return title ? { title, body, isCut: true } : { body, isCut: true };
};

const lineEnd = (text: string, from: number): number => {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
};

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: ' ' };

/** Tags out, in one linear pass; the content of script and style goes with them. */
const stripTags = (html: string): string => {
  const [before = '', ...parts] = html.split('<');
  let text = before;
  let hidden = false;
  for (const part of parts) {
    const end = part.indexOf('>');
    const name = part.slice(0, 20).toLowerCase();
    // "a < b" is no tag.
    if (end === -1 || !/^[a-z/!?]/.test(name)) {
      if (!hidden) text += `<${part}`;
      continue;
    }
    if (/^(script|style)\b/.test(name)) hidden = true;
    else if (/^\/(script|style)\b/.test(name)) hidden = false;
    if (!hidden) text += `${/^\/?(p|div|li|tr|br|h[1-6])\b/.test(name) ? '\n' : ''}${part.slice(end + 1)}`;
  }
  return text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (whole, entity: string) => entities[entity] ?? whole).trim();
};

/** Inline Markdown as the reader sees it, still Markdown: images become their description, links into the site their words. */
export const tidyInline = (markdown: string): string =>
  markdown
    .replace(/!\[([^\][]{0,300})\]\([^()\s]{0,1000}\)/g, '$1')
    .replace(/\[([^\][]{1,300})\]\((?!https?:)[^()\s]{0,1000}(?: "[^"]{0,200}")?\)/g, '$1')
    .replace(/<a\b[^<>]{0,300}>|<\/a>|<!--[^<>]{0,2000}-->/g, '')
    .replace(/<\/?(?:b|strong|i|em|code|span|sup|sub|center|details|summary)>/g, '');

/** A heading's plain words. */
const headingWords = (markdown: string): string =>
  tidyInline(markdown)
    .replace(/\[([^\][]{1,300})\]\([^()\s]{0,1000}\)/g, '$1')
    .replace(/[`*]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200);

const htmlHeading = /^<h([1-6])\b[^<>]{0,300}>([^]{1,500}?)<\/h\1>/i;

type Piece = { heading: number; text: string } | { kind: BlockKind; text: string };

/** A list of nothing but links into the same page is a table of contents: it answers no question. */
const isContents = (raw: string): boolean =>
  raw.trim().includes('\n') && !/[\p{L}\p{N}]/u.test(raw.replace(/\[[^\]]{1,200}\]\(#[^)]{0,200}\)/g, ''));

const isContentsList = (token: Token): boolean => token.type === 'list' && isContents(token.raw);

/** Without tags, and without the addresses of links and pictures. */
const asSeen = (body: string): string =>
  stripTags(
    body.replace(/\]\([^()\s]{0,1000}(?: "[^"\n]{0,200}")?\)/g, ']').replace(/^\[[^\]\n]{1,200}\]:[ \t][^\n]*$/gm, ''),
  );

/** One top-level token → nothing, a heading, or a block. */
const pieces = (token: Token): Piece[] => {
  switch (token.type) {
    case 'heading':
      return [{ heading: (token as Tokens.Heading).depth, text: headingWords((token as Tokens.Heading).text) }];
    case 'code':
      // Every code block leaves here fenced, indented ones too.
      return [{ kind: 'code', text: fence((token as Tokens.Code).text, (token as Tokens.Code).lang) }];
    case 'list':
      return isContents(token.raw) ? [] : [{ kind: 'list', text: tidyInline(token.raw).trim() }];
    case 'table':
      return [{ kind: 'table', text: tidyInline(token.raw).trim() }];
    case 'blockquote':
      // A note is read as a note: without the marks in the margin.
      return (token as Tokens.Blockquote).tokens.flatMap(pieces).filter((piece) => 'kind' in piece);
    case 'html': {
      const heading = token.raw.trim().match(htmlHeading);
      if (heading) return [{ heading: Number(heading[1]), text: headingWords(stripTags(heading[2] ?? '')) }];
      return [{ kind: 'text', text: stripTags(token.raw) }];
    }
    case 'space':
    case 'hr':
    case 'def':
      return [];
    default:
      return [{ kind: 'text', text: tidyInline(token.raw).trim() }];
  }
};

const fence = (code: string, language = ''): string => {
  const marks = code.includes('```') ? '~~~~' : '```';
  return `${marks}${(language.split(/\s/, 1)[0] ?? '').slice(0, 40)}\n${code}\n${marks}`;
};

/** Markdown text → blocks under their headings. A single level-1 heading is the title, not a heading above everything. */
export const parseMarkdown = (text: string, name: string): Found & { blocks: Block[] } => {
  const { title: declared, body, isCut } = splitFrontMatter(tidy(text));
  const tokens = lex(body);
  const all = tokens.flatMap(pieces);
  const firstHeadings = all.filter((piece) => 'heading' in piece && piece.heading === 1);
  const onlyTitle = firstHeadings.length === 1 ? firstHeadings[0] : undefined;
  const blocks: Block[] = [];
  const open: { level: number; text: string }[] = [];
  for (const piece of all) {
    if ('heading' in piece) {
      if (piece === onlyTitle) continue;
      while ((open.at(-1)?.level ?? 0) >= piece.heading) open.pop();
      if (piece.text) open.push({ level: piece.heading, text: piece.text });
    } else if (piece.text) {
      blocks.push({ ...piece, headingPath: open.map((heading) => heading.text) });
    }
  }
  return {
    title: declared || onlyTitle?.text || titleFromName(name),
    blocks,
    wordsRead: countWords(asSeen(body)),
    leftOut: [
      ...(isCut ? ['the front matter'] : []),
      ...(tokens.some(isContentsList) ? ['the table of contents'] : []),
    ],
  };
};

const mostMarks = 40;
const marks = /^(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t])))+/;

/** Quotes in quotes and lists in lists on one line: the parser reads the line again for each. */
const isTooDeep = (line: string): boolean =>
  line.length > mostMarks && (line.match(marks)?.[0].match(/>|[-*+]|[.)]/g)?.length ?? 0) > mostMarks;

/** Blocks alone: emphasis and links inside of them stay Markdown, and reading them costs quadratic time (`_a` × 8,000). */
const lex = (body: string): Token[] => {
  if (body.split('\n').some(isTooDeep)) throw extractionFailed('This Markdown is nested too deeply to be read.');
  try {
    return new Lexer({ gfm: true }).blockTokens(body);
  } catch (error) {
    // Thousands of nested quotes or lists exhaust the stack of the parser.
    if (error instanceof RangeError) throw extractionFailed('This Markdown is nested too deeply to be read.', error);
    throw error;
  }
};

export const markdown: Extractor = {
  name: 'markdown',
  mimes: ['text/markdown', 'text/x-markdown'],
  extensions: ['md', 'markdown', 'mdx'],
  async extract(file) {
    const bytes = await file.read(maximumBytes, 'This Markdown file is larger than 5 MB. Split it.');
    const { text, warnings } = decodeText(bytes, charsetOf(file.mime));
    return { ...parseMarkdown(text, file.name), warnings };
  },
};
