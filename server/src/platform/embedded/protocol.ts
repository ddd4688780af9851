/**
 * The little of the PostgreSQL wire protocol (version 3) that sharing one session needs: where a message
 * ends, whether it ends an exchange, the names of prepared statements, and the replies of a server that greets.
 */

/** What a client says first: its parameters (`user`, `database`, `options`, `application_name`). */
export type Startup = { length: number; parameters: Map<string, string> };

const PROTOCOL_3 = 196608;
/** No message of ours comes near; a larger length means the stream is not what we think it is. */
const LONGEST_MESSAGE = 1 << 30;

const SYNC = 0x53;
const QUERY = 0x51;
const FLUSH = 0x48;
const TERMINATE = 0x58;
const PARSE = 0x50;
const BIND = 0x42;
const DESCRIBE = 0x44;
const CLOSE = 0x43;
const STATEMENT = 0x53;
const NOTIFICATION = 0x41;
const READY = 0x5a;

/** The startup message at the head of `bytes`, or null while it is incomplete. Throws on anything else. */
export function readStartup(bytes: Buffer): Startup | null {
  if (bytes.length < 8) return null;
  const length = bytes.readInt32BE(0);
  if (bytes.readInt32BE(4) !== PROTOCOL_3 || length < 8 || length > 10_000) throw new Error('not a startup message');
  if (bytes.length < length) return null;
  const words = bytes.toString('utf8', 8, length).split('\0');
  const parameters = new Map<string, string>();
  for (let index = 0; index + 1 < words.length; index += 2) {
    const name = words[index];
    if (name) parameters.set(name, words[index + 1] ?? '');
  }
  return { length, parameters };
}

/** The settings in a startup `options` string (`-c name=value -c name=value`); a backslash protects a space. */
export function readOptions(options: string): Map<string, string> {
  const settings = new Map<string, string>();
  for (const [, name, value] of options.matchAll(/-c\s*([A-Za-z_.]+)=((?:\\.|[^\s\\])*)/g)) {
    if (name) settings.set(name, (value ?? '').replace(/\\(.)/g, '$1'));
  }
  return settings;
}

/**
 * One exchange: everything up to the message after which the server says "ready for query".
 * `length`: bytes consumed. `listens`: whether a LISTEN may be in it. `holds`: it ended with Flush, so its Sync is still to come.
 */
export type Exchange = {
  length: number;
  bytes: Buffer;
  kind: 'exchange' | 'terminate';
  listens: boolean;
  holds: boolean;
};

/**
 * The first complete exchange in `bytes`, statement names prefixed with `prefix` (names belong to a connection,
 * the session underneath is shared); null while incomplete. `parsed` and `closed` are told the prefixed names.
 */
export function readExchange(
  bytes: Buffer,
  prefix: string,
  names: { parsed(name: string): void; closed(name: string): void },
): Exchange | null {
  const parts: Buffer[] = [];
  let listens = false;
  let copied = 0;
  let offset = 0;
  const rename = (from: number, to: number, start: number): string => {
    const name = prefix + bytes.toString('utf8', from, to);
    const end = start + 1 + bytes.readInt32BE(start + 1);
    const header = Buffer.from(bytes.subarray(start, start + 5));
    header.writeInt32BE(bytes.readInt32BE(start + 1) + prefix.length, 1);
    parts.push(bytes.subarray(copied, start), header, bytes.subarray(start + 5, from), Buffer.from(prefix));
    parts.push(bytes.subarray(from, end));
    copied = end;
    return name;
  };
  while (offset + 5 <= bytes.length) {
    const type = bytes[offset];
    const length = bytes.readInt32BE(offset + 1);
    if (length < 4 || length > LONGEST_MESSAGE) throw new Error('a message of impossible length');
    const end = offset + 1 + length;
    if (end > bytes.length) return null;
    if (type === PARSE || type === QUERY) listens ||= mentionsListen(bytes, offset + 5, end);
    if (type === PARSE && bytes[offset + 5] !== 0) {
      names.parsed(rename(offset + 5, bytes.indexOf(0, offset + 5), offset));
    } else if (type === BIND) {
      const name = bytes.indexOf(0, offset + 5) + 1;
      if (bytes[name] !== 0) rename(name, bytes.indexOf(0, name), offset);
    } else if ((type === DESCRIBE || type === CLOSE) && bytes[offset + 5] === STATEMENT && bytes[offset + 6] !== 0) {
      const name = rename(offset + 6, bytes.indexOf(0, offset + 6), offset);
      if (type === CLOSE) names.closed(name);
    }
    if (type === TERMINATE) return { length: end, bytes: Buffer.alloc(0), kind: 'terminate', listens, holds: false };
    if (type === SYNC || type === QUERY || type === FLUSH) {
      const whole = parts.length ? Buffer.concat([...parts, bytes.subarray(copied, end)]) : bytes.subarray(0, end);
      return { length: end, bytes: whole, kind: 'exchange', listens, holds: type === FLUSH };
    }
    offset = end;
  }
  return null;
}

function mentionsListen(bytes: Buffer, start: number, end: number): boolean {
  // Only a short statement can be a LISTEN; a message with megabytes of text is not searched.
  return end - start < 1000 && /\blisten\b/i.test(bytes.toString('latin1', start, end));
}

/** The transaction status at the end of a reply: 'I' idle, 'T' in a transaction, 'E' in a failed one; null without one. */
export function readStatus(reply: Uint8Array): string | null {
  const at = reply.length - 6;
  return at >= 0 && reply[at] === READY ? String.fromCharCode(reply[at + 5] ?? 0) : null;
}

/** Takes the notifications out of a reply: PostgreSQL gives them to the listener, not to whoever happened to ask. */
export function splitNotifications(reply: Buffer): { reply: Buffer; notifications: Buffer[] } {
  const notifications: Buffer[] = [];
  const rest: Buffer[] = [];
  let kept = 0;
  for (let offset = 0; offset + 5 <= reply.length;) {
    const end = offset + 1 + reply.readInt32BE(offset + 1);
    if (reply[offset] === NOTIFICATION) {
      rest.push(reply.subarray(kept, offset));
      notifications.push(reply.subarray(offset, end));
      kept = end;
    }
    offset = end;
  }
  if (!notifications.length) return { reply, notifications };
  return { reply: Buffer.concat([...rest, reply.subarray(kept)]), notifications };
}

/** A simple query as bytes. */
export function queryMessage(text: string): Buffer {
  return message('Q', Buffer.from(`${text}\0`));
}

/** Forgets prepared statements by their (prefixed) names. */
export function closeStatements(names: Iterable<string>): Buffer {
  const closes = [...names].map((name) => message('C', Buffer.from(`S${name}\0`)));
  return Buffer.concat([...closes, message('S', Buffer.alloc(0))]);
}

/** What a server answers to a startup message: welcome, parameters, ready. */
export function greeting(processId: number): Buffer {
  const parameters = {
    server_version: '18.0',
    server_encoding: 'UTF8',
    client_encoding: 'UTF8',
    DateStyle: 'ISO, MDY',
    integer_datetimes: 'on',
    standard_conforming_strings: 'on',
    TimeZone: 'UTC',
  };
  const key = Buffer.alloc(8);
  key.writeInt32BE(processId, 0);
  return Buffer.concat([
    message('R', Buffer.alloc(4)),
    ...Object.entries(parameters).map(([name, value]) => message('S', Buffer.from(`${name}\0${value}\0`))),
    message('K', key),
    message('Z', Buffer.from('I')),
  ]);
}

/** A fatal error as the server words it; the connection ends after it. */
export function fatalMessage(code: string, text: string): Buffer {
  return message('E', Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${text}\0\0`));
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
