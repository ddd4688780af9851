/** A mail as a mail program would read it; enough for what Parley sends, and strict about it. */
export type Letter = {
  /** the envelope */
  from: string;
  to: string[];
  /** decoded, by lower-case name; a name that comes twice has both */
  headers: Record<string, string[]>;
  subject: string;
  text: string;
  html: string;
  /** the first address in the text */
  link: string;
  raw: string;
};

const quotedPrintable = (text: string): string =>
  Buffer.from(
    text
      .replace(/=\r?\n/g, '')
      .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');

const words = (value: string): string =>
  value
    .replace(/(=\?[^?]+\?[QB]\?[^?]*\?=)\s+(?==\?)/gi, '$1')
    .replace(/=\?utf-8\?([QB])\?([^?]*)\?=/gi, (_, how: string, encoded: string) =>
      how.toUpperCase() === 'B'
        ? Buffer.from(encoded, 'base64').toString('utf8')
        : quotedPrintable(encoded.replaceAll('_', ' ')),
    );

function split(part: string): { headers: Record<string, string[]>; body: string } {
  const end = part.indexOf('\r\n\r\n');
  const headers: Record<string, string[]> = {};
  for (const line of part
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')) {
    const [, name = '', value = ''] = /^([\w-]+): ?(.*)$/.exec(line) ?? [];
    (headers[name.toLowerCase()] ??= []).push(words(value));
  }
  return { headers, body: part.slice(end + 4) };
}

const decode = ({ headers, body }: ReturnType<typeof split>): string => {
  const encoding = headers['content-transfer-encoding']?.[0] ?? '7bit';
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  return encoding === 'quoted-printable' ? quotedPrintable(body) : body;
};

export function readLetter(raw: string, envelope: { from: string; to: string[] }): Letter {
  const whole = split(raw);
  const boundary = /boundary="?([^";]+)"?/.exec(whole.headers['content-type']?.[0] ?? '')?.[1];
  const parts = boundary
    ? whole.body
        .split(`--${boundary}`)
        .slice(1, -1)
        .map((part) => split(part.trimStart()))
    : [whole];
  const find = (type: string): string => {
    const part = parts.find(({ headers }) => headers['content-type']?.[0]?.startsWith(type));
    return part ? decode(part) : '';
  };
  const text = find('text/plain');
  return {
    ...envelope,
    ...{ headers: whole.headers, subject: whole.headers['subject']?.[0] ?? '', text, html: find('text/html'), raw },
    link: /https?:\/\/\S+/.exec(text)?.[0] ?? '',
  };
}
