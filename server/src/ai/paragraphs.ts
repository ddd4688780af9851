/**
 * A stream of text → paragraphs that can be sent one by one. A paragraph ends at a blank line, or at the end of a
 * sentence after which nothing came for a while. Nothing is cut inside of a code fence, a list item, a table row, a link,
 * bold text or inline code.
 */

export type ParagraphBuffer = {
  /** more of the stream, cut anywhere */
  push(text: string): void;
  /** The stream is complete: what is left goes out. */
  end(): void;
  /** The stream broke: what is left is dropped, no timer stays. */
  drop(): void;
};

const fenceLine = /^\s*(?:[-*+]\s+|\d{1,9}[.)]\s+|>\s*)*(`{3,}|~{3,})/;
const itemLine = /^\s{0,12}(?:[-*+]|\d{1,9}[.)]?)(?:\s|$)/;
const sentenceEnd = /[.!?…。！？]["'”’»)\]*_`]*\s*$/;

const count = (text: string, mark: string): number => text.split(mark).length - 1;

const hasOpenInline = (text: string): boolean =>
  count(text, '`') % 2 === 1 ||
  count(text, '[') > count(text, ']') ||
  /\]\([^)]*$/.test(text) ||
  count(text, '**') % 2 === 1 ||
  count(text, '__') % 2 === 1;

type Scan = {
  /** where the first finished paragraph ends and where the next begins; undefined when none is finished */
  cut?: { end: number; next: number };
  inFence: boolean;
  inList: boolean;
};

/** Reads whole lines only: the last, unfinished line decides nothing. */
const scan = (text: string): Scan => {
  let fence = '';
  let inList = false;
  let started = false;
  let blankFrom = -1;
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf('\n', at);
    const line = text.slice(at, newline === -1 ? text.length : newline);
    const whole = newline !== -1;
    if (blankFrom >= 0 && line !== '' && !(whole && !line.trim())) {
      // An indented line after a blank one still belongs to the list item; a lone blank may be its indentation.
      const goesOn = inList && /^\s/.test(line);
      if (!goesOn) return { cut: { end: blankFrom, next: at }, inFence: false, inList };
      blankFrom = -1;
    }
    if (!whole) break;
    const mark = line.match(fenceLine)?.[1];
    if (fence) {
      const closes = line.trim().match(/^(`{3,}|~{3,})$/)?.[1];
      if (closes?.startsWith(fence)) fence = '';
    } else if (mark) {
      fence = mark;
      started = true;
      inList ||= itemLine.test(line);
    } else if (!line.trim()) {
      if (started && blankFrom < 0) blankFrom = at;
    } else {
      started = true;
      inList ||= itemLine.test(line);
    }
    at = newline + 1;
  }
  // Outside of a list a blank line is an end whatever comes next; in one, the next line decides.
  if (blankFrom >= 0 && !inList && !fence)
    return { cut: { end: blankFrom, next: text.length }, inFence: false, inList };
  return { inFence: fence !== '', inList };
};

/** Whether all of `text` may go out as it stands, though more of the paragraph may follow. */
const isAtRest = (text: string): boolean => {
  const { inFence, inList } = scan(`${text}\n`);
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  return (
    !inFence &&
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
  let pending = '';
  let timer: ReturnType<typeof setTimeout> | undefined;

  const send = (text: string): void => {
    const paragraph = outer(text);
    if (paragraph.trim()) emit(paragraph);
  };

  const take = (): void => {
    for (let found = scan(pending).cut; found; found = scan(pending).cut) {
      send(pending.slice(0, found.end));
      pending = pending.slice(found.next);
    }
  };

  const onIdle = (): void => {
    if (!isAtRest(pending)) return;
    send(pending);
    pending = '';
  };

  return {
    push(text) {
      clearTimeout(timer);
      pending += text;
      take();
      if (pending.trim()) timer = setTimeout(onIdle, idleMs);
    },
    end() {
      clearTimeout(timer);
      take();
      send(pending);
      pending = '';
    },
    drop() {
      clearTimeout(timer);
      pending = '';
    },
  };
};
