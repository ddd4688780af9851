import { filesApi } from '@parley/contract';
import { badRequest } from '../../platform/errors.ts';
import { actorOf, ok, withUpload } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { storeFile } from './commands.ts';
import { sendFile } from './present.ts';
import { openFile } from './queries.ts';

export function fileRoutes(http: Http, parts: { store: Store; storage: Storage }): void {
  addRoutes(http, filesApi, {
    upload: async (request) => {
      const { workspaceId, userId } = actorOf(request);
      return withUpload(request, async ({ name, file }) => {
        if (file.size === 0) throw badRequest('This file is empty.', [{ field: 'file', message: 'is empty' }]);
        return ok(
          await storeFile(parts, { workspaceId, name, content: file, createdBy: { type: 'user', id: userId } }),
        );
      });
    },

    download: async (request, reply) => {
      const { workspaceId } = actorOf(request);
      return sendFile(reply, await openFile(parts, { workspaceId, id: request.params.id }));
    },
  });
}
