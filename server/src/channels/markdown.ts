/** Markdown, as models and agents write it, to flat text with spans. Hostile input costs a bounded time. */
import { marked, type Token, type Tokens } from 'marked';
import { cleanText } from '@parley/contract';
import { slices } from './markdown-slices.ts';
import { trimmed, type RichText, type Span, type SpanType } from './rich-text.ts';

/** Some inputs cost the Markdown parser quadratic time (5 s for 100 000 characters of `_a`); slices bound it. */
const SLICE = 8_000;
const CELL_WIDTH = 30;

type Builder = RichText & { open: Set<SpanType> };

export function fromMarkdown(markdown: string): RichText {
  const whole: RichText = { text: '', spans: [] };
  for (const { text, glue, code } of slices(cleanText(markdown), SLICE)) {
    const part = code ? literalBlock(text, code.language) : parseSlice(text);
    if (part.text === '') continue;
    if (whole.text !== '') whole.text += glue;
    const offset = whole.text.length;
    whole.text += part.text;
    for (const span of part.spans) whole.spans.push({ ...span, start: span.start + offset, end: span.end + offset });
  }
  return whole;
}

/** Markdown of a bot; of anybody else the text as it was typed, in which no mark means anything. */
export const richTextOf = ({ author, text }: { author: { type: string }; text: string }): RichText =>
  author.type === 'bot' ? fromMarkdown(text) : fromPlainText(text);

const fromPlainText = (text: string): RichText => trimmed({ text: cleanText(text), spans: [] });

function parseSlice(slice: string): RichText {
  const builder: Builder = { text: '', spans: [], open: new Set() };
  try {
    blocks(builder, marked.lexer(slice), '\n\n');
  } catch (error) {
    // Thousands of nested quotes overflow the parser's stack; nobody wrote those to be formatted.
    if (error instanceof RangeError) return { text: slice.trim(), spans: [] };
    throw error;
  }
  return trimmed(builder);
}

function literalBlock(text: string, language: unknown): RichText {
  return { text, spans: text === '' ? [] : [{ type: 'pre', start: 0, end: text.length, ...languageOf(language) }] };
}

function within(builder: Builder, type: SpanType, work: () => void, extra: Partial<Span> = {}): void {
  // The same mark inside itself says nothing more, and platforms refuse or drop it.
  if (builder.open.has(type)) return work();
  const start = builder.text.length;
  builder.open.add(type);
  work();
  builder.open.delete(type);
  if (builder.text.length > start) builder.spans.push({ type, start, end: builder.text.length, ...extra });
}

function blocks(builder: Builder, tokens: Token[], separator: string): void {
  let first = true;
  for (const token of tokens) {
    if (token.type === 'space' || token.type === 'def' || token.type === 'checkbox') continue;
    if (!first) builder.text += separator;
    first = false;
    block(builder, token);
  }
}

function block(builder: Builder, token: Tokens.Generic): void {
  const children = token.tokens ?? [];
  switch (token.type) {
    case 'heading':
      return within(builder, 'bold', () => inlines(builder, children));
    case 'code':
      return literal(builder, 'pre', String(token['text']), languageOf(token['lang']));
    case 'blockquote':
      return within(builder, 'blockquote', () => blocks(builder, children, '\n'));
    case 'list':
      return list(builder, token as Tokens.List);
    case 'table':
      return literal(builder, 'pre', table(token as Tokens.Table), {});
    case 'hr':
      builder.text += '———';
      return;
    case 'paragraph':
      return inlines(builder, children);
    default:
      return inlines(builder, [token]);
  }
}

function list(builder: Builder, token: Tokens.List): void {
  token.items.forEach((item, index) => {
    if (index > 0) builder.text += '\n';
    const box = item.task ? (item.checked ? '☑ ' : '☐ ') : '';
    builder.text += (token.ordered ? `${Number(token.start || 1) + index}. ` : '• ') + box;
    const inner: Builder = { text: '', spans: [], open: new Set(builder.open) };
    blocks(inner, item.tokens, '\n');
    appendIndented(builder, trimmed(inner));
  });
}

/** Lines after the first stand under the item's text. */
function appendIndented(builder: Builder, inner: RichText): void {
  const base = builder.text.length;
  const breaks: number[] = [];
  for (let at = inner.text.indexOf('\n'); at >= 0; at = inner.text.indexOf('\n', at + 1)) breaks.push(at);
  const moved = (offset: number): number => base + offset + 2 * countBelow(breaks, offset);
  builder.text += inner.text.replaceAll('\n', '\n  ');
  for (const span of inner.spans) builder.spans.push({ ...span, start: moved(span.start), end: moved(span.end) });
}

function countBelow(sorted: number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function inlines(builder: Builder, tokens: Token[]): void {
  for (const token of tokens) inline(builder, token);
}

function inline(builder: Builder, token: Tokens.Generic): void {
  const children = token.tokens;
  switch (token.type) {
    case 'strong':
      return within(builder, 'bold', () => inlines(builder, children ?? []));
    case 'em':
      return within(builder, 'italic', () => inlines(builder, children ?? []));
    case 'del':
      return within(builder, 'strikethrough', () => inlines(builder, children ?? []));
    case 'codespan':
      return literal(builder, 'code', String(token['text']), {});
    case 'br':
      builder.text += '\n';
      return;
    case 'checkbox':
      // Written by the list, which knows the item's state.
      return;
    case 'link':
      return link(builder, token as Tokens.Link);
    case 'image': {
      // A picture named by a model's text is never fetched for the reader: it stays a link somebody may follow.
      const label = decodeReferences(String(token['text'])) || String(token['href']);
      return linked(builder, String(token['href']), () => void (builder.text += label));
    }
    case 'html':
      builder.text += /^<br\s*\/?>\s*$/i.test(String(token['text'])) ? '\n' : String(token['text']);
      return;
    default: {
      if (children) return inlines(builder, children);
      const text = typeof token['text'] === 'string' ? token['text'] : token.raw;
      builder.text += token['escaped'] === false ? decodeReferences(text) : text;
    }
  }
}

function link(builder: Builder, token: Tokens.Link): void {
  const href = token.autolink ? token.href : decodeReferences(token.href);
  linked(builder, href, () => inlines(builder, token.tokens));
}

function linked(builder: Builder, href: string, label: () => void): void {
  const url = webAddress(href);
  if (url === undefined) label();
  else within(builder, 'link', label, { url });
}

/** The address when it is http or https; anything else is not made clickable. */
export function webAddress(href: string): string | undefined {
  if (!/^https?:\/\//i.test(href) || !URL.canParse(href)) return undefined;
  return new URL(href).href;
}

function literal(builder: Builder, type: 'code' | 'pre', text: string, extra: Partial<Span>): void {
  const start = builder.text.length;
  builder.text += text;
  // Code inside a link stays a link: platforms allow only one of the two.
  if (text !== '' && !builder.open.has('link')) {
    builder.spans.push({ type, start, end: builder.text.length, ...extra });
  }
}

function languageOf(lang: unknown): Partial<Span> {
  const language = typeof lang === 'string' ? /^[\w+#.-]{1,30}/.exec(lang)?.[0] : undefined;
  return language === undefined ? {} : { language };
}

function table(token: Tokens.Table): string {
  const plain = (cell: Tokens.TableCell): string => {
    const inner: Builder = { text: '', spans: [], open: new Set() };
    inlines(inner, cell.tokens);
    return inner.text.replaceAll('\n', ' ');
  };
  const rows = [token.header, ...token.rows].map((row) => row.map(plain));
  const widths = token.header.map((_, column) =>
    Math.min(
      CELL_WIDTH,
      rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0),
    ),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(' | ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(Math.max(1, width))).join('-+-'));
  return lines.join('\n');
}

const REFERENCES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

function decodeReferences(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,5}));/gi, (whole, decimal, hex, name) => {
    if (name) return REFERENCES[String(name).toLowerCase()] ?? whole;
    const code = decimal ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16);
    if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
    return String.fromCodePoint(code);
  });
}
