import { Ask, AskInput, botsApi } from '@parley/contract';
import type { Bot } from '@parley/contract';
import { actorOf, cursor, ok } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes, callsOf } from '../../platform/http/routes.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { findBot } from './queries.ts';
import { findTrace, listTraces } from './trace-queries.ts';

/** Answers as the bot would, keeps the trace, and makes no conversation of it. */
export type AskBot = (workspaceId: string, bot: Bot, input: AskInput) => Promise<Ask>;

/** The playground, and the flight recorder of what was answered there and in conversations. */
export function askRoutes(http: Http, { store, ask }: { store: Store; ask: AskBot }): void {
  addRoutes(
    http,
    callsOf(botsApi, 'ask', 'listTraces', 'getTrace'),
    {
      ask: async (request) => {
        const { workspaceId } = actorOf(request);
        const bot = await store.inWorkspace(workspaceId, (tx) => findBot(tx, request.params.id));
        return ok(await ask(workspaceId, bot, request.body));
      },

      listTraces: async (request) => {
        const { workspaceId } = actorOf(request);
        const found = await store.read(workspaceId, async (tx) => {
          const bot = await findBot(tx, request.params.id);
          return listTraces(tx, bot.id, request.query);
        });
        return cursor(found.traces, found.nextCursor);
      },

      getTrace: async (request) => {
        const { workspaceId } = actorOf(request);
        return ok(await store.inWorkspace(workspaceId, (tx) => findTrace(tx, request.params.id)));
      },
    },
    {
      ask: { load: 'heavy' },
    },
  );
}
