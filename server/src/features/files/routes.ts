import { Attachment, IdParams, success } from '@parley/contract';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { badRequest } from '../../platform/errors.ts';
import { actorOf, ok, readUpload } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Storage } from '../../platform/storage.ts';
import type { Store } from '../../platform/tenant.ts';
import { storeFile } from './commands.ts';
import { attachmentHeader } from './name.ts';
import { readFile } from './queries.ts';
import type { FileContent } from './queries.ts';

/** Bytes have no shape to declare. */
export const FileBytes = z.unknown().describe('The bytes of the file.');

/** Sends a file to be saved: never shown in place, never guessed at, without any right should a browser open it. */
export function sendFile(reply: FastifyReply, { file, bytes }: FileContent): FastifyReply {
  return reply
    .header('content-type', file.mime === 'text/plain' ? 'text/plain; charset=utf-8' : file.mime)
    .header('content-disposition', attachmentHeader(file.name))
    .header('x-content-type-options', 'nosniff')
    .header('content-security-policy', "default-src 'none'; sandbox")
    .header('cache-control', 'private, max-age=3600')
    .send(bytes);
}

export function fileRoutes(http: Http, parts: { store: Store; storage: Storage }): void {
  http.post(
    '/files',
    {
      config: { permission: 'conversations:write', upload: true },
      schema: {
        tags: ['Conversations'],
        summary: 'Upload a file to attach to a message',
        response: { 200: success(Attachment) },
      },
    },
    async (request) => {
      const { workspaceId, userId } = actorOf(request);
      const { name, bytes } = await readUpload(request);
      if (bytes.length === 0) throw badRequest('This file is empty.', [{ field: 'file', message: 'is empty' }]);
      return ok(await storeFile(parts, { workspaceId, name, bytes, createdBy: { type: 'user', id: userId } }));
    },
  );

  http.get(
    '/files/:id',
    {
      config: { permission: 'conversations:read' },
      schema: {
        tags: ['Conversations'],
        summary: 'Download a file',
        params: IdParams,
        response: { 200: FileBytes },
      },
    },
    async (request, reply) => {
      const { workspaceId } = actorOf(request);
      return sendFile(reply, await readFile(parts, { workspaceId, id: request.params.id }));
    },
  );
}
