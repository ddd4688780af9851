import { Lexer, type Token, type Tokens } from 'marked';
import { tidy } from '../clean.ts';
import type { Block, BlockKind, Extracted } from '../types.ts';
import type { Extractor } from './contract.ts';
import { extractionFailed } from './failure.ts';
import { decodeText } from './sniff.ts';
import { titleFromName } from './text.ts';

const maximumBytes = 5 * 1024 * 1024;

/** Front matter is metadata; only its title is of use. */
const splitFrontMatter = (text: string): { title?: string; body: string } => {
  if (!text.startsWith('---\n')) return { body: text };
  const end = text.indexOf('\n---', 3);
  if (end === -1) return { body: text };
  const title = text
    .slice(4, end)
    .match(/^title:[ \t]*["']?([^"'\n]{1,200})/m)?.[1]
    ?.trim();
  const body = text.slice(end + 4);
  return title ? { title, body } : { body };
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
export const parseMarkdown = (text: string, name: string): Extracted => {
  const { title: declared, body } = splitFrontMatter(tidy(text));
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
  return { title: declared || onlyTitle?.text || titleFromName(name), blocks };
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
  extract: async (file) =>
    parseMarkdown(
      decodeText(await file.read(maximumBytes, 'This Markdown file is larger than 5 MB. Split it.')),
      file.name,
    ),
};
