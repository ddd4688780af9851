import { sourcesApi } from '@parley/contract';
import { actorOf, done, ok, page, withUpload } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import { storeFile } from '../files/commands.ts';
import { sourceChanged } from './changes.ts';
import { presentChunk, presentSource, presentSourceDetail } from './present.ts';
import type { SourceRow } from './present.ts';
import { effectsOfSource, findKnowledgeBase, findSource, listChunks, listSources } from './queries.ts';
import type { KnowledgeParts } from './routes.ts';
import { addDocument, addSource, changeSource, deleteSource, retrySource } from './source-commands.ts';

export function sourceRoutes(http: Http, parts: Omit<KnowledgeParts, 'embedder'>): void {
  const { store, publish, processing } = parts;

  /** After the commit: the queue and the colleagues hear of it. */
  async function tell(row: SourceRow, reads: boolean): Promise<void> {
    publish([sourceChanged(row.workspaceId, presentSource(row))]);
    if (reads) await processing.enqueue(row.workspaceId, row.id);
  }

  addRoutes(
    http,
    sourcesApi,
    {
      list: async (request) => {
        const { workspaceId } = actorOf(request);
        const { page: number, limit } = request.query;
        const { rows, total } = await store.read(workspaceId, (tx) =>
          listSources(tx, request.params.id, request.query),
        );
        return page(rows.map(presentSource), { page: number, limit, total });
      },

      create: async (request) => {
        const { workspaceId } = actorOf(request);
        const where = { workspaceId, knowledgeBaseId: request.params.id };
        const row = await store.inWorkspace(workspaceId, (tx) => addSource(tx, where, request.body));
        await tell(row, true);
        return ok(presentSource(row));
      },

      upload: async (request) => {
        const { workspaceId, userId } = actorOf(request);
        const base = await store.inWorkspace(workspaceId, (tx) => findKnowledgeBase(tx, request.params.id));
        const createdBy = { type: 'user', id: userId } as const;
        const file = await withUpload(request, (upload) =>
          storeFile(parts, { workspaceId, name: upload.name, content: upload.file, createdBy }),
        );
        const row = await store.inWorkspace(workspaceId, (tx) =>
          addDocument(tx, { workspaceId, knowledgeBaseId: base.id }, file),
        );
        await tell(row, true);
        return ok(presentSource(row));
      },

      get: async (request) => {
        const { workspaceId } = actorOf(request);
        return ok(presentSourceDetail(await store.inWorkspace(workspaceId, (tx) => findSource(tx, request.params.id))));
      },

      update: async (request) => {
        const { workspaceId } = actorOf(request);
        const { row, reads } = await store.inWorkspace(workspaceId, (tx) =>
          changeSource(tx, request.params.id, request.body),
        );
        await tell(row, reads);
        return ok(presentSourceDetail(row));
      },

      remove: async (request) => {
        const { workspaceId } = actorOf(request);
        await store.inWorkspace(workspaceId, (tx) => deleteSource(tx, request.params.id));
        return done();
      },

      previewDeletion: async (request) => {
        const { workspaceId } = actorOf(request);
        const effects = await store.inWorkspace(workspaceId, (tx) => effectsOfSource(tx, request.params.id));
        return ok({ effects });
      },

      retry: async (request) => {
        const { workspaceId } = actorOf(request);
        const row = await store.inWorkspace(workspaceId, (tx) => retrySource(tx, request.params.id));
        await tell(row, true);
        return ok(presentSource(row));
      },

      listChunks: async (request) => {
        const { workspaceId } = actorOf(request);
        const { rows, total } = await store.read(workspaceId, (tx) => listChunks(tx, request.params.id, request.query));
        return page(rows.map(presentChunk), { ...request.query, total });
      },
    },
    {
      upload: {
        description:
          'Markdown, HTML and plain text are read. Any file is taken; one that holds no text ends as `failed`, and `error` says why.',
      },
    },
  );
}
