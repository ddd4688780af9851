import { analyse } from 'chardet';
import type { Warning } from '../types.ts';
import { refuseBinary } from './sniff.ts';

/** Bytes a guess is made from. */
const SAMPLED = 64 * 1024;
/** Of 100. Below, the bytes of a few accents fit everything, and Western European is the likeliest. */
const SURE_ENOUGH = 20;

const BYTE_ORDER_MARKS: [number[], string][] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
];

/** Undefined where the bytes are not of this encoding, or it has no name a browser knows (WHATWG Encoding). */
function decodeAs(encoding: string, content: Buffer): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(content);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Bytes of another encoding are UTF-8 by chance in a letter or two. */
const hasManyLetters = (text: string): boolean => (text.match(/[^\0-\x7f]/gu)?.length ?? 0) >= 3;

export type Decoded = { text: string; warnings: Warning[] };

/**
 * Bytes → text: by byte order mark; as UTF-8 where that is sure, whatever is declared; by what is declared if the bytes are that; else by
 * what they look like most, which is said.
 *
 * @param declared a name of an encoding from beside or inside of the file; need not be true
 * @throws 422 when the bytes are no text
 */
export function decodeText(content: Buffer, declared?: string): Decoded {
  refuseBinary(content);
  const mark = BYTE_ORDER_MARKS.find(([bytes]) => bytes.every((byte, at) => content[at] === byte));
  if (mark) return { text: new TextDecoder(mark[1]).decode(content), warnings: [] };
  const unicode = decodeAs('utf-8', content);
  const isSure = unicode !== undefined && hasManyLetters(unicode);
  const text = isSure || !declared ? unicode : (decodeAs(declared, content) ?? unicode);
  if (text !== undefined) return { text, warnings: [] };
  const candidates = analyse(content.subarray(0, SAMPLED)).filter(({ confidence }) => confidence >= SURE_ENOUGH);
  for (const { name } of [...candidates, { name: 'windows-1252' }]) {
    const guessed = decodeAs(name, content);
    if (guessed === undefined) continue;
    const message = `It does not say in which encoding it is. It was read as ${name}; look whether its letters are right.`;
    return { text: guessed, warnings: [{ code: 'encoding_guessed', message }] };
  }
  // Windows-1252 has a letter for every byte.
  return { text: new TextDecoder('windows-1252').decode(content), warnings: [] };
}

/** The encoding in a content type: `text/html; charset=shift_jis`. */
export const charsetOf = (mime: string): string | undefined => mime.match(/;\s*charset="?([\w.:-]{1,40})/i)?.[1];

/** The encoding a page names in its first kilobyte (HTML, 13.2.3.2), or an XML declaration does. */
export const charsetInPage = (head: Buffer): string | undefined => {
  const text = head.subarray(0, 1_024).toString('latin1');
  return (text.match(/<meta[^>]{1,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w.:-]{1,40})/i) ??
    text.match(/^<\?xml[^>]{1,100}?encoding=["']([\w.:-]{1,40})/i))?.[1];
};
