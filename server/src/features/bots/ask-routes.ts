import { Ask, AskInput, CursorQuery, IdParams, Trace, cursored, success } from '@parley/contract';
import type { Bot } from '@parley/contract';
import { actorOf, cursor, ok } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Store } from '../../platform/tenant.ts';
import { findBot } from './queries.ts';
import { findTrace, listTraces } from './trace-queries.ts';

/** Answers as the bot would, keeps the trace, and makes no conversation of it. */
export type AskBot = (workspaceId: string, bot: Bot, input: AskInput) => Promise<Ask>;

const tags = ['Bots'];

/** The playground, and the flight recorder of what was answered there and in conversations. */
export function askRoutes(http: Http, { store, ask }: { store: Store; ask: AskBot }): void {
  http.post(
    '/bots/:id/ask',
    {
      config: { permission: 'bots:read', load: 'heavy' },
      schema: {
        tags,
        summary: 'Ask a bot, without a conversation',
        params: IdParams,
        body: AskInput,
        response: { 200: success(Ask) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const bot = await store.inWorkspace(workspaceId, (tx) => findBot(tx, request.params.id));
      return ok(await ask(workspaceId, bot, request.body));
    },
  );

  http.get(
    '/bots/:id/traces',
    {
      config: { permission: 'bots:read' },
      schema: {
        tags,
        summary: 'List how a bot came to its answers',
        params: IdParams,
        querystring: CursorQuery,
        response: { 200: cursored(Trace) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const found = await store.read(workspaceId, async (tx) => {
        const bot = await findBot(tx, request.params.id);
        return listTraces(tx, bot.id, request.query);
      });
      return cursor(found.traces, found.nextCursor);
    },
  );

  http.get(
    '/traces/:id',
    {
      config: { permission: 'bots:read' },
      schema: {
        tags,
        summary: 'Read how an answer came about',
        params: IdParams,
        response: { 200: success(Trace) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      return ok(await store.inWorkspace(workspaceId, (tx) => findTrace(tx, request.params.id)));
    },
  );
}
