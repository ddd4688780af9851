/**
 * A stream of text → paragraphs that can be sent one by one. A paragraph ends at a blank line, or at the end of a
 * sentence after which nothing came for a while. Nothing is cut inside of a code fence, a list item, a table row, a link,
 * bold text or inline code. Each character is looked at once: the time grows with the length of the text alone.
 */

export type ParagraphBuffer = {
  /** more of the stream, cut anywhere */
  push(text: string): void;
  /** The stream is complete: what is left goes out. */
  end(): void;
  /** The stream is cut here: what is left goes out up to its last whole word (of code: its last whole line), and `mark`. */
  cut(mark: string): void;
  /** The stream broke: what is left is dropped, no timer stays. */
  drop(): void;
};

const fenceLine = /^\s*(?:[-*+]\s+|\d{1,9}[.)]\s+|>\s*)*(`{3,}|~{3,})/;
const itemLine = /^\s{0,12}(?:[-*+]|\d{1,9}[.)]?)(?:\s|$)/;
const sentenceEnd = /[.!?…。！？]["'”’»)\]*_`]*\s*$/;

const count = (text: string, mark: string): number => text.split(mark).length - 1;

const hasOpenLink = (text: string): boolean => {
  const address = text.lastIndexOf('](');
  return address !== -1 && !text.includes(')', address);
};

const hasOpenInline = (text: string): boolean =>
  count(text, '`') % 2 === 1 ||
  count(text, '[') > count(text, ']') ||
  hasOpenLink(text) ||
  count(text, '**') % 2 === 1 ||
  count(text, '__') % 2 === 1;

/** What the whole lines of the paragraph so far have opened. */
type Lines = {
  /** the marks of the code fence that is open, or '' */
  fence: string;
  inList: boolean;
  /** a line with something on it was seen */
  started: boolean;
};

const noLines: Lines = { fence: '', inList: false, started: false };

const withLine = (lines: Lines, line: string): Lines => {
  if (lines.fence) {
    const closes = line.trim().match(/^(`{3,}|~{3,})$/)?.[1];
    return closes?.startsWith(lines.fence) ? { ...lines, fence: '' } : lines;
  }
  if (!line.trim()) return lines;
  const fence = line.match(fenceLine)?.[1] ?? '';
  return { fence, inList: lines.inList || itemLine.test(line), started: true };
};

/** Whether the paragraph may go out as it stands, though more of it may follow. */
const isAtRest = (before: Lines, body: string, tail: string): boolean => {
  const { fence, inList } = withLine(before, tail);
  const text = body + tail;
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  return (
    !fence &&
    !inList &&
    !last.includes('|') &&
    !/^\s*(#|>|`{1,3}|~{1,3})/.test(last) &&
    sentenceEnd.test(text) &&
    !hasOpenInline(text)
  );
};

const outer = (text: string): string => text.replace(/^(?:[ \t]*\n)+/, '').trimEnd();

/**
 * @param emit gets each paragraph, without white space around it, in order
 * @param idleMs how long the stream may be silent before a finished sentence goes out (default 200)
 */
export const createParagraphs = (emit: (paragraph: string) => void, idleMs = 200): ParagraphBuffer => {
  /** whole lines of the paragraph, each with its line break */
  let body = '';
  let lines = noLines;
  /** where the blank lines begin that a list may go on after; −1: there are none */
  let blankFrom = -1;
  /** the line that is not complete yet */
  let tail = '';
  let tailBegins = '';
  let tailHasText = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const send = (text: string): void => {
    const paragraph = outer(text);
    if (paragraph.trim()) emit(paragraph);
  };

  const begin = (): void => {
    body = '';
    lines = noLines;
    blankFrom = -1;
  };

  /** An indented line after a blank one still belongs to the list item; any other line begins a new paragraph. */
  const settleBlank = (firstLetter: string): void => {
    if (blankFrom < 0 || !firstLetter) return;
    if (lines.inList && !firstLetter.trim()) return;
    send(body.slice(0, blankFrom));
    begin();
  };

  const addLine = (line: string): void => {
    if (line.trim()) settleBlank(line.charAt(0));
    else if (!lines.fence) {
      // Outside of a list a blank line is an end whatever comes next; in one, the next line decides.
      if (lines.started && !lines.inList) {
        send(body);
        return begin();
      }
      if (!lines.started) return;
      if (blankFrom < 0) blankFrom = body.length;
      body += `${line}\n`;
      return;
    }
    blankFrom = -1;
    lines = withLine(lines, line);
    body += `${line}\n`;
  };

  const clear = (): void => {
    clearTimeout(timer);
    begin();
    tail = '';
    tailBegins = '';
    tailHasText = false;
  };

  const onIdle = (): void => {
    if (!isAtRest(lines, body, tail)) return;
    send(body + tail);
    clear();
  };

  return {
    push(text) {
      clearTimeout(timer);
      const [first = '', ...rest] = text.split('\n');
      tailBegins ||= first.charAt(0);
      tail += first;
      tailHasText ||= first.trim() !== '';
      for (const next of rest) {
        addLine(tail);
        tail = next;
        tailBegins = next.charAt(0);
        tailHasText = next.trim() !== '';
      }
      settleBlank(tailBegins);
      if (lines.started || tailHasText) timer = setTimeout(onIdle, idleMs);
    },
    end() {
      const text = body + tail;
      clear();
      send(text);
    },
    cut(mark) {
      const { fence } = lines;
      const text = fence ? body : body + tail;
      // What ends in white space ends in a whole word; a single word is kept as far as it came.
      const whole = /\s$/.test(text) ? text : text.replace(/\s\S*$/, '');
      clear();
      send(fence ? `${text}${mark}\n${fence}` : `${outer(whole)} ${mark}`.trimStart());
    },
    drop: clear,
  };
};
