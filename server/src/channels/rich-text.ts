/**
 * Flat text with spans, and the splitter every channel with a length limit shares. Flat text makes both easy to get
 * right: a cut never breaks a tag, because tags are only written after the cut.
 * Offsets are UTF-16 units. Spans are properly nested, as Markdown's tree is.
 */
export type SpanType = 'bold' | 'italic' | 'strikethrough' | 'code' | 'pre' | 'link' | 'blockquote';
export type Span = { type: SpanType; start: number; end: number; url?: string; language?: string };
export type RichText = { text: string; spans: Span[] };

/** The part of a text between two offsets, spans clipped to it. */
export function cut(rich: RichText, start: number, end: number): RichText {
  const spans: Span[] = [];
  for (const span of rich.spans) {
    const from = Math.max(span.start, start);
    const to = Math.min(span.end, end);
    if (from < to) spans.push({ ...span, start: from - start, end: to - start });
  }
  return { text: rich.text.slice(start, end), spans };
}

export function trimmed(rich: RichText): RichText {
  const end = rich.text.trimEnd().length;
  const start = /^\s*\n/.exec(rich.text)?.[0].length ?? 0;
  return cut(rich, Math.min(start, end), end);
}

/** Whether a reader would see anything: platforms refuse messages of blanks and invisible marks alone. */
export const isVisible = (text: string): boolean => /[^\p{Z}\p{Cc}\p{Cf}\u2800\u3164\ufffc]/u.test(text);

/** Cuts into parts of at most `limit` UTF-16 units: between paragraphs, else lines, sentences, words, graphemes. */
export function split(rich: RichText, limit: number): RichText[] {
  const parts: RichText[] = [];
  let at = 0;
  while (at < rich.text.length) {
    const rest = rich.text.length - at;
    const end = rest <= limit ? rich.text.length : wholeCharacter(rich.text, at, at + cutPoint(rich, at, limit));
    const part = trimmed(cut(rich, at, end));
    if (isVisible(part.text)) parts.push(part);
    at = end;
  }
  return parts;
}

/** What a reader sees as one character stays together: a blank with a mark on it, say. */
function wholeCharacter(text: string, at: number, end: number): number {
  const from = Math.max(at, end - 64);
  const { index } = graphemes.segment(text.slice(from, end + 64)).containing(end - from) ?? { index: end - from };
  return from + index > at ? from + index : end;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

function cutPoint(rich: RichText, at: number, limit: number): number {
  const window = rich.text.slice(at, at + limit);
  const least = Math.floor(limit / 4);
  const block = rich.spans.find((span) => span.type === 'pre' && span.start < at + limit && span.end > at + limit);
  // A code block that would be cut moves to the next part, unless it fills this one on its own.
  if (block && block.start - at >= least) return block.start - at;
  const afterLast = (mark: string): number => {
    const found = window.lastIndexOf(mark);
    return found < 0 ? -1 : found + mark.length;
  };
  const paragraph = block ? -1 : afterLast('\n\n');
  if (paragraph >= least) return paragraph;
  const newline = afterLast('\n');
  if (newline >= least) return newline;
  const sentence = block ? -1 : lastSentence(window);
  if (sentence >= least) return sentence;
  const space = afterLast(' ');
  if (space >= least) return space;
  return lastGrapheme(rich.text.slice(at, at + limit + 64), limit);
}

function lastSentence(window: string): number {
  let last = -1;
  for (const { index } of new Intl.Segmenter(undefined, { granularity: 'sentence' }).segment(window)) last = index;
  return last;
}

/** Where the last grapheme begins that ends after `limit`. */
export function lastGrapheme(window: string, limit: number): number {
  const boundary = graphemes.segment(window).containing(limit)?.index ?? limit;
  if (boundary > 0) return boundary;
  // One grapheme longer than a whole message: only a surrogate pair is kept together.
  const unit = window.charCodeAt(limit - 1);
  return unit >= 0xd800 && unit <= 0xdbff ? limit - 1 : limit;
}
