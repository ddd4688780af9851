import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { SourceFile } from './contract.ts';
import { extractionFailed } from './failure.ts';

export const HEAD_BYTES = 64 * 1024;

/** A file as it reaches the reader: its bytes, or where they lie on this machine. */
export type FileToExtract = { name: string; mime: string } & ({ content: Buffer } | { path: string; size: number });

async function readWhole(file: Pick<SourceFile, 'size' | 'open'>, atMost: number, tooLarge: string): Promise<Buffer> {
  if (file.size > atMost) throw extractionFailed(tooLarge);
  const pieces: Uint8Array[] = [];
  for await (const piece of file.open()) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function headOf(path: string): Promise<Buffer> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, null, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

export async function openSourceFile(file: FileToExtract): Promise<SourceFile> {
  const { name, mime } = file;
  const known =
    'path' in file
      ? {
          size: file.size,
          head: await headOf(file.path),
          open: () => createReadStream(file.path) as AsyncIterable<Uint8Array>,
        }
      : {
          size: file.content.length,
          head: file.content.subarray(0, HEAD_BYTES),
          open: async function* () {
            yield file.content;
          },
        };
  return { name, mime, ...known, read: (atMost, tooLarge) => readWhole(known, atMost, tooLarge) };
}
