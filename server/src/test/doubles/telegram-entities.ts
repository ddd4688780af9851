/**
 * Telegram's own reading of `parse_mode`, after the open source of its client library: what it accepts, what it
 * refuses and with which words. Offsets and lengths are UTF-16 units, as the Bot API counts.
 */
export type ParsedEntity = { type: string; offset: number; length: number; url?: string; language?: string };
export type ParsedText = { text: string; entities: ParsedEntity[] };

/** What Telegram says after "Bad Request: can't parse entities: ". */
export class EntityError extends Error {}

const TYPE_OF_TAG: Record<string, string> = {
  b: 'bold',
  strong: 'bold',
  i: 'italic',
  em: 'italic',
  u: 'underline',
  ins: 'underline',
  s: 'strikethrough',
  strike: 'strikethrough',
  del: 'strikethrough',
  'tg-spoiler': 'spoiler',
  span: 'spoiler',
  'tg-emoji': 'custom_emoji',
  a: 'text_link',
  code: 'code',
  pre: 'pre',
  blockquote: 'blockquote',
};

const NAMED: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"' };

/** Undefined where Telegram leaves the ampersand as it stands. */
function decodeReference(source: string, at: number): { text: string; end: number } | undefined {
  const match = /^&(?:#x([0-9a-f]*)|#([0-9]*)|([a-z]*));?/i.exec(source.slice(at, at + 24));
  if (!match) return undefined;
  const [whole, hex, decimal, name] = match;
  const end = at + whole.length;
  if (name !== undefined) {
    const text = NAMED[name];
    return text === undefined ? undefined : { text, end };
  }
  const code = hex !== undefined ? Number.parseInt(hex, 16) : Number.parseInt(decimal ?? '', 10);
  if (!(code > 0) || code >= 0x10ffff || whole.replace(';', '').length >= 10) return undefined;
  if (code >= 0xd800 && code <= 0xdfff) throw new EntityError('Text contains invalid Unicode characters');
  return { text: String.fromCodePoint(code), end };
}

const byteOffset = (source: string, at: number): number => Buffer.byteLength(source.slice(0, at));

export function parseHtml(source: string): ParsedText {
  const entities: ParsedEntity[] = [];
  const open: { tag: string; argument: string; offset: number }[] = [];
  let text = '';
  let at = 0;
  while (at < source.length) {
    const character = source[at];
    if (character === '&') {
      const reference = decodeReference(source, at);
      text += reference ? reference.text : '&';
      at = reference ? reference.end : at + 1;
    } else if (character !== '<') {
      text += character;
      at += 1;
    } else if (source[at + 1] === '/') {
      const begin = byteOffset(source, at);
      const last = open.pop();
      if (!last) throw new EntityError(`Unexpected end tag at byte offset ${begin}`);
      const match = /^<\/([^\s>]*)\s*>/.exec(source.slice(at));
      if (!match) throw new EntityError(`Unclosed end tag at byte offset ${begin}`);
      const name = (match[1] ?? '').toLowerCase();
      if (name !== '' && name !== last.tag) {
        throw new EntityError(
          `Unmatched end tag at byte offset ${begin}, expected "</${last.tag}>", found "</${name}>"`,
        );
      }
      closeEntity(entities, last, text);
      at += match[0].length;
    } else {
      const started = readStartTag(source, at);
      open.push({ tag: started.tag, argument: started.argument, offset: text.length });
      at = started.end;
    }
  }
  const unclosed = open.at(-1);
  if (unclosed) throw new EntityError(`Can't find end tag corresponding to start tag "${unclosed.tag}"`);
  return { text, entities: entities.sort((a, b) => a.offset - b.offset || b.length - a.length) };
}

function readStartTag(source: string, at: number): { tag: string; argument: string; end: number } {
  const begin = byteOffset(source, at);
  const unclosed = () => new EntityError(`Unclosed start tag at byte offset ${begin}`);
  const head = /^<([^\s>]*)/.exec(source.slice(at));
  const tag = (head?.[1] ?? '').toLowerCase();
  let position = at + 1 + tag.length;
  if (position >= source.length) throw unclosed();
  if (!(tag in TYPE_OF_TAG)) throw new EntityError(`Unsupported start tag "${tag}" at byte offset ${begin}`);
  let argument = '';
  for (;;) {
    while (/\s/.test(source[position] ?? '')) position += 1;
    if (position >= source.length) throw unclosed();
    if (source[position] === '>') break;
    const name = /^[^\s=]*/.exec(source.slice(position))?.[0] ?? '';
    if (name === '') throw new EntityError(`Empty attribute name in the tag "${tag}" at byte offset ${begin}`);
    position += name.length;
    while (/\s/.test(source[position] ?? '')) position += 1;
    if (source[position] !== '=') {
      throw new EntityError(
        `Expected equal sign in declaration of an attribute of the tag "${tag}" at byte offset ${begin}`,
      );
    }
    position += 1;
    while (/\s/.test(source[position] ?? '')) position += 1;
    const value = readAttributeValue(source, position);
    position = value.end;
    if (position >= source.length) throw unclosed();
    if (tag === 'a' && name === 'href') argument = value.text;
    if (tag === 'code' && name === 'class' && value.text.startsWith('language-')) argument = value.text.slice(9);
    if (tag === 'span' && name === 'class' && value.text.startsWith('tg-')) argument = value.text.slice(3);
    if (tag === 'tg-emoji' && name === 'emoji-id') argument = value.text;
  }
  if (tag === 'span' && argument !== 'spoiler') {
    throw new EntityError(`Tag "span" must have class "tg-spoiler" at byte offset ${begin}`);
  }
  return { tag, argument, end: position + 1 };
}

function readAttributeValue(source: string, at: number): { text: string; end: number } {
  const quote = source[at];
  if (quote !== '"' && quote !== "'") {
    const token = /^[a-z0-9.-]*/i.exec(source.slice(at))?.[0] ?? '';
    const next = source[at + token.length] ?? '';
    if (!/[\s>]/.test(next)) {
      throw new EntityError(`Unexpected end of name token at byte offset ${byteOffset(source, at)}`);
    }
    return { text: token.toLowerCase(), end: at + token.length };
  }
  let text = '';
  let position = at + 1;
  while (position < source.length && source[position] !== quote) {
    const reference = source[position] === '&' ? decodeReference(source, position) : undefined;
    text += reference ? reference.text : source[position];
    position = reference ? reference.end : position + 1;
  }
  return { text, end: position + 1 };
}

function closeEntity(
  entities: ParsedEntity[],
  opened: { tag: string; argument: string; offset: number },
  text: string,
): void {
  const length = text.length - opened.offset;
  if (length === 0) return;
  const type = TYPE_OF_TAG[opened.tag] ?? 'unknown';
  const entity: ParsedEntity = { type, offset: opened.offset, length };
  if (type === 'text_link') {
    const url = checkedLink(opened.argument || text.slice(opened.offset));
    // Telegram keeps the words and drops a link it does not accept.
    if (url !== undefined) entities.push({ ...entity, url });
    return;
  }
  const inner = entities.at(-1);
  if (type === 'pre' && inner?.type === 'code' && inner.offset === entity.offset && inner.length === length) {
    inner.type = 'pre';
    return;
  }
  if (type === 'code' && opened.argument) entity.language = opened.argument;
  entities.push(entity);
}

function checkedLink(url: string): string | undefined {
  const candidate = /^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `http://${url}`;
  if (!URL.canParse(candidate)) return undefined;
  const { protocol, hostname } = new URL(candidate);
  if (protocol === 'tg:' || protocol === 'ton:') return candidate;
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  return hostname.includes('.') || hostname === 'localhost' ? candidate : undefined;
}

const RESERVED = new Set('_*[]()~`>#+-=|{}.!');
const DELIMITERS: [string, string][] = [
  ['__', 'underline'],
  ['||', 'spoiler'],
  ['_', 'italic'],
  ['*', 'bold'],
  ['~', 'strikethrough'],
];

export function parseMarkdownV2(source: string): ParsedText {
  const entities: ParsedEntity[] = [];
  const open: { type: string; offset: number; at: number }[] = [];
  let text = '';
  let at = 0;
  const unclosed = (entity: { type: string; at: number }) =>
    new EntityError(`Can't find end of ${entity.type} entity at byte offset ${byteOffset(source, entity.at)}`);
  const close = (entity: { type: string; offset: number }, extra: Partial<ParsedEntity> = {}): void => {
    const length = text.length - entity.offset;
    if (length > 0) entities.push({ type: entity.type, offset: entity.offset, length, ...extra });
  };
  const closeQuote = (): void => {
    const last = open.at(-1);
    if (!last || !open.some((entity) => entity.type === 'blockquote')) return;
    if (last.type !== 'blockquote') throw unclosed(last);
    open.pop();
    close(last);
  };
  while (at < source.length) {
    const character = source[at] ?? '';
    const next = source[at + 1] ?? '';
    const lineStart = at === 0 || source[at - 1] === '\n';
    if (character === '\\' && next !== '' && next.charCodeAt(0) <= 126) {
      text += next;
      at += 2;
      continue;
    }
    if (character === '\n') {
      if (next !== '>') closeQuote();
      text += character;
      at += 1;
      continue;
    }
    if (character === '>' && lineStart) {
      if (!open.some((entity) => entity.type === 'blockquote')) {
        open.push({ type: 'blockquote', offset: text.length, at });
      }
      at += 1;
      continue;
    }
    if (character === '`') {
      const fence = source.startsWith('```', at) ? '```' : '`';
      const started = { type: fence === '`' ? 'code' : 'pre', offset: text.length, at };
      let position = at + fence.length;
      while (position < source.length && !source.startsWith(fence, position)) {
        const escaped = source[position] === '\\' && (source[position + 1] === '`' || source[position + 1] === '\\');
        if (source[position] === '`') throw new EntityError("Character '`' is reserved and must be escaped");
        text += source[escaped ? position + 1 : position];
        position += escaped ? 2 : 1;
      }
      if (position >= source.length) throw unclosed(started);
      close(started);
      at = position + fence.length;
      continue;
    }
    if (character === '[') {
      open.push({ type: 'text_link', offset: text.length, at });
      at += 1;
      continue;
    }
    if (character === ']' && open.at(-1)?.type === 'text_link') {
      const opened = open.pop();
      const target = next === '(' ? /^\(((?:\\.|[^\\)])*)\)/s.exec(source.slice(at + 1)) : null;
      if (next === '(' && !target) throw new EntityError("Can't find end of a URL");
      const url = checkedLink((target?.[1] ?? '').replace(/\\(.)/gs, '$1'));
      if (opened && url !== undefined) close(opened, { url });
      at += 1 + (target?.[0].length ?? 0);
      continue;
    }
    const delimiter = DELIMITERS.find(([mark]) => source.startsWith(mark, at));
    if (delimiter) {
      const [mark, type] = delimiter;
      const last = open.at(-1);
      if (last?.type === type) {
        open.pop();
        close(last);
      } else if (open.some((entity) => entity.type === type)) {
        throw unclosed(last ?? { type, at });
      } else {
        open.push({ type, offset: text.length, at });
      }
      at += mark.length;
      continue;
    }
    if (RESERVED.has(character)) {
      throw new EntityError(`Character '${character}' is reserved and must be escaped with the preceding '\\'`);
    }
    text += character;
    at += 1;
  }
  closeQuote();
  const last = open.at(-1);
  if (last) throw unclosed(last);
  return { text, entities: entities.sort((a, b) => a.offset - b.offset || b.length - a.length) };
}
