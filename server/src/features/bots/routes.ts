import { Bot, BotInput, BotPatch, Done, IdParams, PageQuery, paged, success } from '@parley/contract';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Store } from '../../platform/tenant.ts';
import type { Wake } from '../../platform/wake.ts';
import { INBOX_CHANGED } from '../inboxes/topics.ts';
import { changeBot, createBot, deleteBot } from './commands.ts';
import { askRoutes } from './ask-routes.ts';
import type { AskBot } from './ask-routes.ts';
import { findBot, listBots } from './queries.ts';
import { BOT_CHANGED, botKey } from './topics.ts';

const tags = ['Bots'];

export function botRoutes(http: Http, parts: { store: Store; wake: Wake; ask: AskBot }): void {
  const { store, wake } = parts;
  askRoutes(http, parts);

  http.get(
    '/bots',
    {
      config: { permission: 'bots:read' },
      schema: { tags, summary: 'List bots', querystring: PageQuery, response: { 200: paged(Bot) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const { bots, total } = await store.inWorkspace(workspaceId, (tx) => listBots(tx, request.query));
      return page(bots, { ...request.query, total });
    },
  );

  http.post(
    '/bots',
    {
      config: { permission: 'bots:write' },
      schema: { tags, summary: 'Make a bot', body: BotInput, response: { 201: success(Bot) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      return ok(await store.inWorkspace(workspaceId, (tx) => createBot(tx, workspaceId, request.body)));
    },
  );

  http.get(
    '/bots/:id',
    {
      config: { permission: 'bots:read' },
      schema: { tags, summary: 'Read a bot', params: IdParams, response: { 200: success(Bot) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      return ok(await store.inWorkspace(workspaceId, (tx) => findBot(tx, request.params.id)));
    },
  );

  http.patch(
    '/bots/:id',
    {
      config: { permission: 'bots:write' },
      schema: { tags, summary: 'Change a bot', params: IdParams, body: BotPatch, response: { 200: success(Bot) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const bot = await store.inWorkspace(workspaceId, (tx) =>
        changeBot(tx, workspaceId, request.params.id, request.body),
      );
      wake.wake(BOT_CHANGED, botKey(workspaceId, bot.id));
      return ok(bot);
    },
  );

  http.delete(
    '/bots/:id',
    {
      config: { permission: 'bots:write' },
      schema: { tags, summary: 'Delete a bot', params: IdParams, response: { 200: success(Done) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const gone = await store.inWorkspace(workspaceId, (tx) => deleteBot(tx, workspaceId, request.params.id));
      wake.wake(BOT_CHANGED, botKey(workspaceId, gone.id));
      for (const inboxId of gone.inboxIds) wake.wake(INBOX_CHANGED, inboxId);
      return done();
    },
  );
}
