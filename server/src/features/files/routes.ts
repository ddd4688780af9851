import { Attachment, IdParams, success } from '@parley/contract';
import { badRequest } from '../../platform/errors.ts';
import { actorOf, ok, withUpload } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Storage } from '../../platform/storage.ts';
import type { Store } from '../../platform/tenant.ts';
import { storeFile } from './commands.ts';
import { FileBytes, sendFile } from './present.ts';
import { openFile } from './queries.ts';

export function fileRoutes(http: Http, parts: { store: Store; storage: Storage }): void {
  http.post(
    '/files',
    {
      config: { permission: 'conversations:write', body: 'attachment' },
      schema: {
        tags: ['Conversations'],
        summary: 'Upload a file to attach to a message',
        response: { 201: success(Attachment) },
      },
    },
    async (request) => {
      const { workspaceId, userId } = actorOf(request);
      return withUpload(request, async ({ name, file }) => {
        if (file.size === 0) throw badRequest('This file is empty.', [{ field: 'file', message: 'is empty' }]);
        return ok(
          await storeFile(parts, { workspaceId, name, content: file, createdBy: { type: 'user', id: userId } }),
        );
      });
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
      return sendFile(reply, await openFile(parts, { workspaceId, id: request.params.id }));
    },
  );
}
