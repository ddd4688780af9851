import { apiKeysApi } from '@parley/contract';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { apiKeyRevoked } from './changes.ts';
import { createApiKey, revokeApiKey } from './commands.ts';
import { presentApiKey } from './present.ts';
import { listApiKeys } from './queries.ts';

export function apiKeyRoutes(http: Http, { store, publish }: { store: Store; publish: Publish }): void {
  addRoutes(
    http,
    apiKeysApi,
    {
      list: async (request) => {
        const { workspaceId } = actorOf(request);
        const { rows, total } = await store.inControl(workspaceId, (tx) => listApiKeys(tx, request.query));
        return page(rows.map(presentApiKey), { ...request.query, total });
      },

      create: async (request) => {
        const actor = actorOf(request);
        const { row, key } = await store.inControl(actor.workspaceId, (tx) => createApiKey(tx, actor, request.body));
        return ok({ ...presentApiKey(row), key });
      },

      remove: async (request) => {
        const actor = actorOf(request);
        await store.inControl(actor.workspaceId, (tx) => revokeApiKey(tx, actor, request.params.id));
        publish([apiKeyRevoked(actor.workspaceId, { keyId: request.params.id })]);
        return done();
      },
    },
    {
      create: {
        description:
          'The key is told once. It acts in your name with the scopes given, which you must have yourself, and ends when you leave the workspace.',
      },
      remove: { description: 'It opens nothing from now on.' },
    },
  );
}
