/**
 * Reads the model's structured reply while it streams: {"have_enough_information_for_reply": "YES", "reply": "…",
 * "citations": […]}. Nothing of the reply is handed on before the verdict is read, whatever order the model writes in.
 * Begins at the brace of the object; raw line breaks inside of strings are taken as they are.
 * Each letter is looked at once.
 */

export type ReplyReader = {
  /** returns how many letters were read: fewer than given where the object was closed */
  push(text: string): number;
  /** the object was closed */
  readonly complete: boolean;
  readonly verdict: boolean | undefined;
  readonly citations: string[];
};

export type ReplyHandlers = {
  onVerdict(enough: boolean): void;
  /** decoded text of the reply, piece by piece; only after onVerdict */
  onReply(text: string): void;
};

const verdictKey = 'have_enough_information_for_reply';
const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };

const readVerdict = (value: unknown): boolean | undefined => {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  const word = value.trim().toUpperCase();
  return word === 'YES' || word === 'TRUE' ? true : word === 'NO' || word === 'FALSE' ? false : undefined;
};

/** More than there are passages, and longer than any id: what a model makes up beyond that is not looked at. */
const CITATIONS = { count: 50, length: 100 };

const readCitations = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).slice(0, CITATIONS.count).flatMap((entry: unknown) => {
    if (typeof entry === 'string') return [entry.slice(0, CITATIONS.length)];
    const id = typeof entry === 'object' && entry !== null && 'id' in entry ? entry.id : undefined;
    return typeof id === 'string' ? [id.slice(0, CITATIONS.length)] : [];
  });

export const createObjectReader = (handlers: ReplyHandlers): ReplyReader => {
  let mode: 'before' | 'key' | 'colon' | 'value' | 'string' | 'other' | 'done' = 'before';
  let key = '';
  let inKey = false;
  let collected = '';
  let escape = '';
  let depth = 0;
  let quoted = false;
  let verdict: boolean | undefined;
  let held = '';
  let out = '';
  let citations: string[] = [];

  const flush = (): void => {
    if (verdict === undefined) return;
    const text = held + out;
    held = '';
    out = '';
    if (text) handlers.onReply(text);
  };

  const finish = (value: unknown): void => {
    if (key === verdictKey && verdict === undefined) {
      verdict = readVerdict(value);
      if (verdict !== undefined) handlers.onVerdict(verdict);
    }
    if (key === 'citations') citations = readCitations(value);
    key = '';
    mode = 'key';
  };

  const parseOther = (): unknown => {
    try {
      return JSON.parse(collected);
    } catch {
      // A bare word such as YES, or a list that is no JSON: its words are all there is.
      return collected.trim();
    }
  };

  /** One decoded character of a string; undefined while an escape is incomplete. */
  const decode = (letter: string): string | undefined => {
    if (!escape) {
      if (letter !== '\\') return letter;
      escape = letter;
      return undefined;
    }
    escape += letter;
    if (escape.length === 2 && letter !== 'u') {
      escape = '';
      return escapes[letter] ?? letter;
    }
    if (escape.length < 6) return undefined;
    const code = Number.parseInt(escape.slice(2), 16);
    escape = '';
    return Number.isNaN(code) ? '' : String.fromCharCode(code);
  };

  const onOther = (letter: string): void => {
    if (quoted) {
      quoted = escape !== '' || letter !== '"';
      escape = escape === '' && letter === '\\' ? letter : '';
    } else if (letter === '"') quoted = true;
    else if (letter === '[' || letter === '{') depth += 1;
    else if (depth > 0 && (letter === ']' || letter === '}')) depth -= 1;
    else if (depth === 0 && (letter === ',' || letter === '}')) {
      finish(parseOther());
      if (letter === '}') mode = 'done';
      return;
    }
    collected += letter;
  };

  const onString = (letter: string): void => {
    if (!escape && letter === '"') {
      if (inKey) {
        key = collected;
        mode = 'colon';
      } else finish(key === 'reply' ? undefined : collected);
      inKey = false;
      return;
    }
    const decoded = decode(letter);
    if (decoded === undefined) return;
    if (!inKey && key === 'reply') {
      if (verdict === undefined) held += decoded;
      else out += decoded;
    } else collected += decoded;
  };

  const onLetter = (letter: string): void => {
    if (mode === 'string') return onString(letter);
    if (mode === 'other') return onOther(letter);
    if (mode === 'before') {
      if (letter === '{') mode = 'key';
    } else if (mode === 'key') {
      if (letter === '}') mode = 'done';
      if (letter === '"') {
        inKey = true;
        collected = '';
        mode = 'string';
      }
    } else if (mode === 'colon') {
      if (letter === ':') mode = 'value';
    } else if (mode === 'value' && letter.trim()) {
      collected = '';
      if (letter === '"') mode = 'string';
      else {
        mode = 'other';
        depth = 0;
        quoted = false;
        onOther(letter);
      }
    }
  };

  return {
    push(text) {
      // By UTF-16 unit: an escape or a surrogate pair may be cut between two pieces, and joins again on the way out.
      let at = 0;
      for (; at < text.length && mode !== 'done'; at += 1) onLetter(text[at] ?? '');
      flush();
      return at;
    },
    get complete() {
      return mode === 'done';
    },
    get verdict() {
      return verdict;
    },
    get citations() {
      return citations;
    },
  };
};
