import { botsApi } from '@parley/contract';
import { catalogue } from '../../engine/texts/catalogue.ts';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes, callsOf } from '../../platform/http/routes.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { effectsOfBot } from '../conversations/queries.ts';
import { inboxChanged } from '../inboxes/changes.ts';
import { countInboxesOf } from '../inboxes/queries.ts';
import { botChanged } from './changes.ts';
import { changeBot, createBot, deleteBot } from './commands.ts';
import { askRoutes } from './ask-routes.ts';
import type { AskBot } from './ask-routes.ts';
import { findBot, listBots } from './queries.ts';

export function botRoutes(http: Http, parts: { store: Store; publish: Publish; ask: AskBot }): void {
  const { store, publish } = parts;
  askRoutes(http, parts);

  addRoutes(http, callsOf(botsApi, 'list', 'create', 'listTexts', 'get', 'update', 'previewDeletion', 'remove'), {
    listTexts: () => Promise.resolve(ok(catalogue)),

    list: async (request) => {
      const { workspaceId } = actorOf(request);
      const { bots, total } = await store.inWorkspace(workspaceId, (tx) => listBots(tx, request.query));
      return page(bots, { ...request.query, total });
    },

    create: async (request) => {
      const { workspaceId } = actorOf(request);
      return ok(await store.inWorkspace(workspaceId, (tx) => createBot(tx, workspaceId, request.body)));
    },

    get: async (request) => {
      const { workspaceId } = actorOf(request);
      return ok(await store.inWorkspace(workspaceId, (tx) => findBot(tx, request.params.id)));
    },

    update: async (request) => {
      const { workspaceId } = actorOf(request);
      const bot = await store.inWorkspace(workspaceId, (tx) =>
        changeBot(tx, workspaceId, request.params.id, request.body),
      );
      publish([botChanged(workspaceId, { botId: bot.id })]);
      return ok(bot);
    },

    previewDeletion: async (request) => {
      const { workspaceId } = actorOf(request);
      const effects = await store.inWorkspace(workspaceId, async (tx) => {
        const { id } = await findBot(tx, request.params.id);
        const count = await countInboxesOf(tx, id);
        const without = { what: 'inboxes', count, becomes: 'detached' } as const;
        return [...(count > 0 ? [without] : []), ...(await effectsOfBot(tx, id))];
      });
      return ok({ effects });
    },

    remove: async (request) => {
      const { workspaceId } = actorOf(request);
      const gone = await store.inWorkspace(workspaceId, (tx) => deleteBot(tx, workspaceId, request.params.id));
      publish([
        botChanged(workspaceId, { botId: gone.id }),
        ...gone.inboxIds.map((inboxId) => inboxChanged(workspaceId, { inboxId })),
      ]);
      return done();
    },
  });
}
