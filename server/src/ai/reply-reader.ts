import { createObjectReader } from './reply-object.ts';
import type { ReplyHandlers, ReplyReader } from './reply-object.ts';

/** What models think aloud in. */
const THOUGHT = /^\s*<(think|thinking|thoughts?|reasoning|reflection|scratchpad|analysis)>/i;
const TAG_BEGINS = /^\s*<[a-z]{0,12}$/i;
/** Blanks and the opening of a code fence. */
const NOTHING = /^(?:\s|\ufeff|`{1,3}[a-z]*)*$/i;
const OBJECT = /\{\s*"/g;
/** Drafts that are looked at in a text around the reply. */
const MOST_DRAFTS = 50;

/**
 * Finds the reply in what a model writes, and reads it while it streams. Thoughts in tags and code fences are passed over.
 * Where other words come first, there may be drafts among them: then the last whole object with a verdict is the reply, and
 * nothing is handed on before the end. So it is with what follows a NO without text. Each letter is looked at once, of drafts
 * a bounded number of times.
 */
export function createReplyReader(handlers: ReplyHandlers): Omit<ReplyReader, 'push'> & {
  push(text: string): void;
  /** the stream is over: what was held back is decided */
  end(): void;
} {
  let state: 'before' | 'thought' | 'object' | 'around' = 'before';
  /** of `before`: what came so far; of `thought`: its end; of `around`: everything */
  let held = '';
  let closing = '';
  let hasText = false;
  let reader = createObjectReader({
    onVerdict: handlers.onVerdict,
    onReply(text) {
      hasText = true;
      handlers.onReply(text);
    },
  });

  function begin(): void {
    const brace = held.indexOf('{');
    const head = brace < 0 ? held : held.slice(0, brace);
    const thought = THOUGHT.exec(head);
    if (thought) {
      state = 'thought';
      closing = `</${(thought[1] ?? '').toLowerCase()}>`;
      take('', held.slice(thought[0].length));
    } else if (NOTHING.test(head)) {
      if (brace < 0) held = /`[a-z]*$/i.test(head) ? head.trimStart() : '';
      else readObject(held.slice(brace));
    } else if (brace >= 0 || !TAG_BEGINS.test(head)) state = 'around';
  }

  function think(text: string): void {
    const all = held + text;
    const end = all.toLowerCase().indexOf(closing);
    if (end < 0) {
      held = all.slice(-closing.length);
      return;
    }
    state = 'before';
    take('', all.slice(end + closing.length));
  }

  function readObject(text: string): void {
    state = 'object';
    const length = reader.push(text);
    if (!reader.complete || reader.verdict === true || hasText) return;
    // A draft that says NO, or no reply at all: the reply may follow.
    state = 'around';
    held = text.slice(length);
  }

  function take(before: string, text: string): void {
    held = before;
    if (state === 'thought') think(text);
    else if (state === 'object') readObject(text);
    else {
      held += text;
      if (state === 'before') begin();
    }
  }

  return {
    push: (text) => take(state === 'object' ? '' : held, text),
    end() {
      if (state !== 'around') return;
      const found = lastReply(held);
      if (!found) return;
      reader = found.reader;
      handlers.onVerdict(found.reader.verdict === true);
      if (found.text) handlers.onReply(found.text);
    },
    get complete() {
      return reader.complete;
    },
    get verdict() {
      return reader.verdict;
    },
    get citations() {
      return reader.citations;
    },
  };
}

/** The last whole object with a verdict in a text. */
function lastReply(text: string): { reader: ReplyReader; text: string } | undefined {
  let last: { reader: ReplyReader; text: string } | undefined;
  let from = 0;
  for (let draft = 0; draft < MOST_DRAFTS; draft += 1) {
    OBJECT.lastIndex = from;
    const found = OBJECT.exec(text);
    if (!found) break;
    let words = '';
    const reader = createObjectReader({ onVerdict: () => undefined, onReply: (piece) => (words += piece) });
    const length = reader.push(text.slice(found.index));
    if (reader.complete && reader.verdict !== undefined) last = { reader, text: words };
    from = found.index + (reader.complete ? length : 1);
  }
  return last;
}
