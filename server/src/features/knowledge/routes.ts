import {
  Done,
  IdParams,
  KnowledgeBase,
  KnowledgeBaseInput,
  KnowledgeBasePatch,
  PageQuery,
  SearchHit,
  SearchInput,
  paged,
  success,
} from '@parley/contract';
import { z } from 'zod';
import { createRetrieve } from '../../ai/retrieval.ts';
import type { Embedder } from '../../knowledge/embed.ts';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Storage } from '../../platform/storage.ts';
import type { Store } from '../../platform/tenant.ts';
import type { Wake } from '../../platform/wake.ts';
import { BOT_CHANGED, botKey } from '../bots/topics.ts';
import { changeKnowledgeBase, createKnowledgeBase, deleteKnowledgeBase } from './commands.ts';
import { presentKnowledgeBase } from './present.ts';
import type { KnowledgeProcessing } from './processors.ts';
import { findKnowledgeBase, listKnowledgeBases } from './queries.ts';
import { searchKnowledge } from './search.ts';
import { sourceRoutes } from './source-routes.ts';

export type KnowledgeParts = {
  store: Store;
  storage: Storage;
  wake: Wake;
  publish: Publish;
  embedder: Embedder;
  processing: Pick<KnowledgeProcessing, 'enqueue'>;
};

const tags = ['Knowledge'];

export function knowledgeRoutes(http: Http, parts: KnowledgeParts): void {
  const { store, wake, embedder } = parts;
  const retrieve = createRetrieve(store, embedder);
  sourceRoutes(http, parts);

  http.get(
    '/knowledge-bases',
    {
      config: { permission: 'knowledge:read' },
      schema: {
        tags,
        summary: 'List knowledge bases',
        querystring: PageQuery,
        response: { 200: paged(KnowledgeBase) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const { rows, total } = await store.inWorkspace(workspaceId, (tx) => listKnowledgeBases(tx, request.query));
      return page(rows.map(presentKnowledgeBase), { ...request.query, total });
    },
  );

  http.post(
    '/knowledge-bases',
    {
      config: { permission: 'knowledge:write' },
      schema: {
        tags,
        summary: 'Make a knowledge base',
        body: KnowledgeBaseInput,
        response: { 201: success(KnowledgeBase) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const row = await store.inWorkspace(workspaceId, (tx) => createKnowledgeBase(tx, workspaceId, request.body));
      return ok(presentKnowledgeBase(row));
    },
  );

  http.get(
    '/knowledge-bases/:id',
    {
      config: { permission: 'knowledge:read' },
      schema: { tags, summary: 'Read a knowledge base', params: IdParams, response: { 200: success(KnowledgeBase) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const row = await store.inWorkspace(workspaceId, (tx) => findKnowledgeBase(tx, request.params.id));
      return ok(presentKnowledgeBase(row));
    },
  );

  http.patch(
    '/knowledge-bases/:id',
    {
      config: { permission: 'knowledge:write' },
      schema: {
        tags,
        summary: 'Rename a knowledge base',
        params: IdParams,
        body: KnowledgeBasePatch,
        response: { 200: success(KnowledgeBase) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const row = await store.inWorkspace(workspaceId, (tx) =>
        changeKnowledgeBase(tx, request.params.id, request.body),
      );
      return ok(presentKnowledgeBase(row));
    },
  );

  http.delete(
    '/knowledge-bases/:id',
    {
      config: { permission: 'knowledge:write' },
      schema: {
        tags,
        summary: 'Delete a knowledge base with its sources',
        params: IdParams,
        response: { 200: success(Done) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const { botIds } = await store.inWorkspace(workspaceId, (tx) =>
        deleteKnowledgeBase(tx, workspaceId, request.params.id),
      );
      for (const botId of botIds) wake.wake(BOT_CHANGED, botKey(workspaceId, botId));
      return done();
    },
  );

  http.post(
    '/knowledge-bases/:id/search',
    {
      config: { permission: 'knowledge:read', load: 'heavy' },
      schema: {
        tags,
        summary: 'Search as a bot does',
        params: IdParams,
        body: SearchInput,
        response: { 200: success(z.array(SearchHit)) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const { id } = await store.inWorkspace(workspaceId, (tx) => findKnowledgeBase(tx, request.params.id));
      return ok(await searchKnowledge(retrieve, { workspaceId, knowledgeBaseId: id, ...request.body }));
    },
  );
}
