import type { Readable } from 'node:stream';
import type { Attachment } from '@parley/contract';
import type { FastifyReply } from 'fastify';
import type { files } from '../../db/schema/index.ts';
import { attachmentHeader } from './name.ts';

export type FileRow = typeof files.$inferSelect;
export type FileContent = { file: Attachment; stream: Readable };

export const presentFile = (row: Pick<FileRow, 'id' | 'name' | 'mime' | 'size'>): Attachment => ({
  id: row.id,
  name: row.name,
  mime: row.mime,
  size: row.size,
});

/** Sends a file to be saved: never shown in place, never guessed at, without any right should a browser open it. */
export function sendFile(
  reply: FastifyReply,
  { file, stream }: FileContent,
  caching: 'private, max-age=3600' | 'no-store' = 'private, max-age=3600',
): FastifyReply {
  return reply
    .header('content-type', file.mime === 'text/plain' ? 'text/plain; charset=utf-8' : file.mime)
    .header('content-length', file.size)
    .header('content-disposition', attachmentHeader(file.name))
    .header('x-content-type-options', 'nosniff')
    .header('content-security-policy', "default-src 'none'; sandbox")
    .header('cache-control', caching)
    .send(stream);
}
