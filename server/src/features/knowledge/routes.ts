import { knowledgeBasesApi } from '@parley/contract';
import { createRetrieve } from '../../ai/retrieval.ts';
import type { Embedder } from '../../knowledge/embed.ts';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { botChanged } from '../bots/changes.ts';
import { changeKnowledgeBase, createKnowledgeBase, deleteKnowledgeBase } from './commands.ts';
import { presentKnowledgeBase } from './present.ts';
import type { KnowledgeProcessing } from './processors.ts';
import { effectsOfKnowledgeBase, findKnowledgeBase, listKnowledgeBases } from './queries.ts';
import { searchKnowledge } from './search.ts';
import { sourceRoutes } from './source-routes.ts';

export type KnowledgeParts = {
  store: Store;
  storage: Storage;
  publish: Publish;
  embedder: Embedder;
  processing: Pick<KnowledgeProcessing, 'enqueue'>;
};

export function knowledgeRoutes(http: Http, parts: KnowledgeParts): void {
  const { store, publish, embedder } = parts;
  const retrieve = createRetrieve(store, embedder);
  sourceRoutes(http, parts);

  addRoutes(
    http,
    knowledgeBasesApi,
    {
      list: async (request) => {
        const { workspaceId } = actorOf(request);
        const { rows, total } = await store.inWorkspace(workspaceId, (tx) => listKnowledgeBases(tx, request.query));
        return page(rows.map(presentKnowledgeBase), { ...request.query, total });
      },

      create: async (request) => {
        const { workspaceId } = actorOf(request);
        const row = await store.inWorkspace(workspaceId, (tx) => createKnowledgeBase(tx, workspaceId, request.body));
        return ok(presentKnowledgeBase(row));
      },

      get: async (request) => {
        const { workspaceId } = actorOf(request);
        const row = await store.inWorkspace(workspaceId, (tx) => findKnowledgeBase(tx, request.params.id));
        return ok(presentKnowledgeBase(row));
      },

      update: async (request) => {
        const { workspaceId } = actorOf(request);
        const row = await store.inWorkspace(workspaceId, (tx) =>
          changeKnowledgeBase(tx, request.params.id, request.body),
        );
        return ok(presentKnowledgeBase(row));
      },

      remove: async (request) => {
        const { workspaceId } = actorOf(request);
        const { botIds } = await store.inWorkspace(workspaceId, (tx) =>
          deleteKnowledgeBase(tx, workspaceId, request.params.id),
        );
        publish(botIds.map((botId) => botChanged(workspaceId, { botId })));
        return done();
      },

      previewDeletion: async (request) => {
        const { workspaceId } = actorOf(request);
        const effects = await store.inWorkspace(workspaceId, (tx) => effectsOfKnowledgeBase(tx, request.params.id));
        return ok({ effects });
      },

      search: async (request) => {
        const { workspaceId } = actorOf(request);
        const { id } = await store.inWorkspace(workspaceId, (tx) => findKnowledgeBase(tx, request.params.id));
        return ok(await searchKnowledge(retrieve, { workspaceId, knowledgeBaseId: id, ...request.body }));
      },
    },
    {
      search: { load: 'heavy' },
    },
  );
}
