import { conversationsApi } from '@parley/contract';
import { actorOf, cursor, ok } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import { badCursor, badRequest } from '../../platform/errors.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { after, latest } from '../messages/queries.ts';
import type { Desk } from './desk.ts';
import { countConversations, findConversation, listConversations } from './queries.ts';

export function conversationRoutes(http: Http, { store, desk }: { store: Store; desk: Desk }): void {
  addRoutes(
    http,
    conversationsApi,
    {
      list: async (request) => {
        const { workspaceId, userId } = actorOf(request);
        const found = await store.read(workspaceId, (tx) => listConversations(tx, userId, request.query));
        return cursor(found.conversations, found.nextCursor);
      },

      count: async (request) => {
        const { workspaceId, userId } = actorOf(request);
        return ok(await store.read(workspaceId, (tx) => countConversations(tx, userId)));
      },

      get: async (request) => {
        const { workspaceId } = actorOf(request);
        return ok(await store.inWorkspace(workspaceId, (tx) => findConversation(tx, request.params.id)));
      },

      listMessages: async (request) => {
        const { workspaceId } = actorOf(request);
        const { cursor: before, after: seq, limit } = request.query;
        if (before !== undefined && !/^\d{1,15}$/.test(before)) throw badCursor();
        return store.inWorkspace(workspaceId, async (tx) => {
          const { id } = await findConversation(tx, request.params.id);
          if (seq !== undefined) return cursor(await after(tx, id, seq, limit), null);
          const messages = await latest(tx, id, limit, before === undefined ? undefined : Number(before));
          const first = messages[0];
          return cursor(messages, messages.length === limit && first && first.seq > 1 ? String(first.seq) : null);
        });
      },

      sendMessage: async (request) => {
        const { text, attachmentIds, template } = request.body;
        if (template && (text || attachmentIds.length > 0 || request.body.private)) {
          throw badRequest('A template goes alone.', [{ field: 'template', message: 'takes neither words nor files' }]);
        }
        if (!text && attachmentIds.length === 0 && !template) {
          throw badRequest('A message needs words or a file.', [{ field: 'text', message: 'is empty' }]);
        }
        return ok(await desk.reply(actorOf(request), request.params.id, { ...request.body, text: text ?? '' }));
      },

      retryMessage: async (request) => ok(await desk.retry(actorOf(request), request.params.id)),

      retryFiles: async (request) => ok(await desk.retryFiles(actorOf(request), request.params.id)),

      markRead: async (request) => ok(await desk.markRead(actorOf(request), request.params.id)),

      setLabels: async (request) => ok(await desk.setLabels(actorOf(request), request.params.id, request.body.labels)),

      assign: async (request) => ok(await desk.assign(actorOf(request), request.params.id, request.body.agentId)),

      takeOver: async (request) => ok(await desk.takeOver(actorOf(request), request.params.id)),

      returnToBot: async (request) => ok(await desk.returnToBot(actorOf(request), request.params.id)),

      resolve: async (request) => ok(await desk.resolve(actorOf(request), request.params.id)),

      reopen: async (request) => ok(await desk.reopen(actorOf(request), request.params.id)),

      snooze: async (request) => ok(await desk.snooze(actorOf(request), request.params.id, request.body.until)),

      undo: async (request) => ok(await desk.undo(actorOf(request), request.params.id, request.body.undoId)),
    },
    {
      sendMessage: {
        description:
          'A reply takes the conversation over when the bot or the queue has it. A resend with the same `clientId` changes nothing.',
      },
      undo: {
        description:
          'For whoever made the move, within 30 seconds: state, owner and place in the queue are as before and the line is gone. 409 says what happened in between.',
      },
      retryMessage: {
        description: '409 unless it failed, and `window_closed` while the platform takes only templates.',
      },
    },
  );
}
