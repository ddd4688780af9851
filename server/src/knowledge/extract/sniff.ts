import { extractionFailed } from './failure.ts';

type Signature = { bytes: number[]; offset?: number; what: string; advice: string };

const convert = 'Export it as Markdown, HTML or plain text and upload that.';
const picture = 'Pictures hold no text that can be searched.';

const signatures: Signature[] = [
  { bytes: [0x25, 0x50, 0x44, 0x46, 0x2d], what: 'a PDF', advice: convert },
  { bytes: [0x89, 0x50, 0x4e, 0x47], what: 'a PNG picture', advice: picture },
  { bytes: [0xff, 0xd8, 0xff], what: 'a JPEG picture', advice: picture },
  { bytes: [0x47, 0x49, 0x46, 0x38], what: 'a GIF picture', advice: picture },
  { bytes: [0x57, 0x45, 0x42, 0x50], offset: 8, what: 'a WebP picture', advice: picture },
  { bytes: [0x50, 0x4b, 0x03, 0x04], what: 'a ZIP archive or an Office document', advice: convert },
  { bytes: [0xd0, 0xcf, 0x11, 0xe0], what: 'an old Office document', advice: convert },
  { bytes: [0x1f, 0x8b], what: 'a gzip archive', advice: 'Unpack it first.' },
  { bytes: [0x42, 0x5a, 0x68], what: 'a bzip2 archive', advice: 'Unpack it first.' },
  { bytes: [0x37, 0x7a, 0xbc, 0xaf], what: 'a 7z archive', advice: 'Unpack it first.' },
  { bytes: [0x52, 0x61, 0x72, 0x21], what: 'a RAR archive', advice: 'Unpack it first.' },
  { bytes: [0x7f, 0x45, 0x4c, 0x46], what: 'a program', advice: convert },
  { bytes: [0x00, 0x61, 0x73, 0x6d], what: 'a WebAssembly program', advice: convert },
  { bytes: [0x66, 0x74, 0x79, 0x70], offset: 4, what: 'a video', advice: convert },
  { bytes: [0x4f, 0x67, 0x67, 0x53], what: 'a sound file', advice: convert },
  // ID3 and its version; and SQLite with the whole of its first line: words may begin like them.
  { bytes: [0x49, 0x44, 0x33, 0x02], what: 'a sound file', advice: convert },
  { bytes: [0x49, 0x44, 0x33, 0x03], what: 'a sound file', advice: convert },
  { bytes: [0x49, 0x44, 0x33, 0x04], what: 'a sound file', advice: convert },
  { bytes: [...Buffer.from('SQLite format 3\0')], what: 'an SQLite database', advice: convert },
];

const matches = (content: Buffer, { bytes, offset = 0 }: Signature): boolean =>
  content.length >= offset + bytes.length && bytes.every((byte, at) => content[offset + at] === byte);

const sampled = 64 * 1024;

/** Share of bytes that never occur in text: NUL and control characters other than tab, line breaks, form feed, escape. */
const controlShare = (content: Buffer): number => {
  const end = Math.min(content.length, sampled);
  let control = 0;
  for (let at = 0; at < end; at += 1) {
    const byte = content[at] ?? 0;
    if (byte < 9 || (byte > 13 && byte < 32 && byte !== 27)) control += 1;
  }
  return end === 0 ? 0 : control / end;
};

const isUtf16 = (content: Buffer): boolean =>
  (content[0] === 0xff && content[1] === 0xfe) || (content[0] === 0xfe && content[1] === 0xff);

/** Refuses bytes that are no text, whatever the name or the declared type claims. */
export const refuseBinary = (content: Buffer): void => {
  // A UTF-8 byte order mark in front must not hide the signature.
  const start = content[0] === 0xef && content[1] === 0xbb && content[2] === 0xbf ? content.subarray(3) : content;
  const found = signatures.find((signature) => matches(start, signature));
  if (found) throw extractionFailed(`This is ${found.what}, not text. ${found.advice}`);
  if (isUtf16(content)) return;
  if (controlShare(content) > 0.01) {
    throw extractionFailed(`This file is binary data, not text. ${convert}`);
  }
};
