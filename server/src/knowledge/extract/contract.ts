import type { Block, Found } from '../types.ts';

/** A file to be read, in memory or on the disk. */
export type SourceFile = {
  name: string;
  /** as it was declared, which need not be true */
  mime: string;
  /** in bytes */
  size: number;
  /** its first bytes, 64 KB at most */
  head: Buffer;
  /** The bytes in pieces from the beginning. May be asked for again. */
  open(): AsyncIterable<Uint8Array>;
  /** All of them, for a format that is small or cannot be read in pieces. @throws 422 with `tooLarge` above so many bytes */
  read(atMost: number, tooLarge: string): Promise<Buffer>;
};

export type Reading = {
  /** Nobody waits for the text any more. */
  signal: AbortSignal;
  /** How much is read, from 0 to 1. Without a word for a minute reading counts as hanging. */
  progress(share: number): void;
};

/**
 * A format. It runs in a thread of its own, so it may take its time, but says how far it is; a long file goes through it in
 * pieces, and its blocks leave as they are found. What it cannot read it refuses in words for the uploader (`extractionFailed`).
 */
export type Extractor = {
  name: string;
  /** without parameters, lower case */
  mimes: string[];
  /** without the dot, lower case */
  extensions: string[];
  /** Whether these first bytes are of this format, whatever name and type say. A format of bytes needs it, text does not. */
  recognises?(head: Buffer): boolean;
  extract(file: SourceFile, reading: Reading): Promise<Found & { blocks: AsyncIterable<Block> | Iterable<Block> }>;
};
