/** Parley's words in Telegram's dialect: HTML parse mode, at most 4096 UTF-16 units a message after entity parsing. */
import type { Attachment } from '@parley/contract';
import type { OutboundMessage, Part } from '../contract.ts';
import { richTextOf } from '../markdown.ts';
import { split, type RichText, type Span } from '../rich-text.ts';
import { readableSources } from '../sources.ts';

export const TEXT_LIMIT = 4096;
const PHOTO_LIMIT = 10 * 1024 * 1024;
const PHOTO_TYPES = new Set(['image/jpeg', 'image/png', 'image/webp']);

export function render(message: OutboundMessage): Part[] {
  const rich = richTextOf(message);
  appendSources(rich, message.citations);
  const texts = split(rich, TEXT_LIMIT).map((part) => ({
    method: 'sendMessage',
    body: {
      text: toHtml(part),
      parse_mode: 'HTML',
      // A preview would make Telegram fetch an address a model wrote, before anybody chose to open it.
      link_preview_options: { is_disabled: true },
    },
  }));
  const last = texts.at(-1);
  if (last && message.choices?.length)
    Object.assign(last.body, { reply_markup: { inline_keyboard: message.choices.map(buttonOf) } });
  const files = message.attachments.map((attachment) => ({ method: methodFor(attachment), body: {}, attachment }));
  return [...texts, ...files].map((part, ordinal) => ({ ordinal, ...part }));
}

/** One button a row: labels are sentences, and phones are narrow. */
const buttonOf = ({ id, text }: NonNullable<OutboundMessage['choices']>[number]) => [{ text, callback_data: id }];

function methodFor(attachment: Attachment): string {
  return PHOTO_TYPES.has(attachment.mime) && attachment.size <= PHOTO_LIMIT ? 'sendPhoto' : 'sendDocument';
}

function appendSources(rich: RichText, citations: OutboundMessage['citations']): void {
  for (const [index, { number, title, url }] of readableSources(citations).entries()) {
    if (rich.text !== '') rich.text += index === 0 ? '\n\n' : '\n';
    rich.text += `[${number}] `;
    const start = rich.text.length;
    rich.text += title;
    rich.spans.push({ type: 'link', start, end: rich.text.length, url });
  }
}

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const escapeAttribute = (text: string): string => escapeText(text).replaceAll('"', '&quot;');

const TAGS: Record<Exclude<Span['type'], 'link' | 'pre'>, string> = {
  bold: 'b',
  italic: 'i',
  strikethrough: 's',
  code: 'code',
  blockquote: 'blockquote',
};

function tagsOf(span: Span): [open: string, close: string] {
  if (span.type === 'link') return [`<a href="${escapeAttribute(span.url ?? '')}">`, '</a>'];
  if (span.type !== 'pre') return [`<${TAGS[span.type]}>`, `</${TAGS[span.type]}>`];
  return span.language === undefined
    ? ['<pre>', '</pre>']
    : [`<pre><code class="language-${escapeAttribute(span.language)}">`, '</code></pre>'];
}

export function toHtml(rich: RichText): string {
  // Outer before inner where they start together; of equals, the later written is the outer one.
  const spans = rich.spans
    .map((span, index) => ({ span, index }))
    .sort((a, b) => a.span.start - b.span.start || b.span.end - a.span.end || b.index - a.index)
    .map(({ span }) => span);
  let html = '';
  let at = 0;
  const open: Span[] = [];
  const advance = (to: number): void => {
    html += escapeText(rich.text.slice(at, to));
    at = to;
  };
  const closeUntil = (offset: number): void => {
    for (let last = open.at(-1); last && last.end <= offset; last = open.at(-1)) {
      advance(last.end);
      html += tagsOf(last)[1];
      open.pop();
    }
  };
  for (const span of spans) {
    closeUntil(span.start);
    advance(span.start);
    html += tagsOf(span)[0];
    open.push(span);
  }
  closeUntil(Infinity);
  advance(rich.text.length);
  return html;
}

/** The same words without marks, for when Telegram refuses our entities. Reads only what `toHtml` wrote. */
export function toPlain(html: string): string {
  return html
    .replace(/<[^<>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}
