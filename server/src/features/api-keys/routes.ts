import { ApiKey, ApiKeyCreated, ApiKeyInput, Done, IdParams, PageQuery, paged, success } from '@parley/contract';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Store } from '../../platform/tenant.ts';
import type { Wake } from '../../platform/wake.ts';
import { createApiKey, revokeApiKey } from './commands.ts';
import { presentApiKey } from './present.ts';
import { listApiKeys } from './queries.ts';
import { API_KEY_REVOKED } from './topics.ts';

const tags = ['API keys'];

export function apiKeyRoutes(http: Http, { store, wake }: { store: Store; wake: Wake }): void {
  http.get(
    '/api-keys',
    {
      config: { permission: 'api-keys:read' },
      schema: { tags, summary: 'List API keys', querystring: PageQuery, response: { 200: paged(ApiKey) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const { rows, total } = await store.inControl(workspaceId, (tx) => listApiKeys(tx, request.query));
      return page(rows.map(presentApiKey), { ...request.query, total });
    },
  );

  http.post(
    '/api-keys',
    {
      config: { permission: 'api-keys:write' },
      schema: {
        tags,
        summary: 'Create an API key',
        description:
          'The key is told once. It acts in your name with the scopes given, which you must have yourself, and ends when you leave the workspace.',
        body: ApiKeyInput,
        response: { 201: success(ApiKeyCreated) },
      },
    },
    async (request) => {
      const actor = actorOf(request);
      const { row, key } = await store.inControl(actor.workspaceId, (tx) => createApiKey(tx, actor, request.body));
      return ok({ ...presentApiKey(row), key });
    },
  );

  http.delete(
    '/api-keys/:id',
    {
      config: { permission: 'api-keys:write' },
      schema: {
        tags,
        summary: 'Revoke an API key',
        description: 'It opens nothing from now on.',
        params: IdParams,
        response: { 200: success(Done) },
      },
    },
    async (request) => {
      const actor = actorOf(request);
      await store.inControl(actor.workspaceId, (tx) => revokeApiKey(tx, actor, request.params.id));
      wake.wake(API_KEY_REVOKED, request.params.id);
      return done();
    },
  );
}
