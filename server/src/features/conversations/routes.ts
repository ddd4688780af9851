import {
  AgentMessageInput,
  AssignInput,
  Conversation,
  ConversationCounts,
  ConversationQuery,
  IdParams,
  LabelsInput,
  Message,
  MessageQuery,
  SnoozeInput,
  cursored,
  success,
} from '@parley/contract';
import { actorOf, cursor, ok } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { badCursor, badRequest } from '../../platform/errors.ts';
import type { Store } from '../../platform/tenant.ts';
import { after, latest } from '../messages/queries.ts';
import type { Desk } from './desk.ts';
import { countConversations, findConversation, listConversations } from './queries.ts';

const tags = ['Conversations'];

export function conversationRoutes(http: Http, { store, desk }: { store: Store; desk: Desk }): void {
  http.get(
    '/conversations',
    {
      config: { permission: 'conversations:read' },
      schema: {
        tags,
        summary: 'List conversations, newest first',
        querystring: ConversationQuery,
        response: { 200: cursored(Conversation) },
      },
    },
    async (request) => {
      const { workspaceId, userId } = actorOf(request);
      const found = await store.read(workspaceId, (tx) => listConversations(tx, userId, request.query));
      return cursor(found.conversations, found.nextCursor);
    },
  );

  http.get(
    '/conversations/counts',
    {
      config: { permission: 'conversations:read' },
      schema: { tags, summary: 'Count open conversations by view', response: { 200: success(ConversationCounts) } },
    },
    async (request) => {
      const { workspaceId, userId } = actorOf(request);
      return ok(await store.read(workspaceId, (tx) => countConversations(tx, userId)));
    },
  );

  http.get(
    '/conversations/:id',
    {
      config: { permission: 'conversations:read' },
      schema: { tags, summary: 'Read a conversation', params: IdParams, response: { 200: success(Conversation) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      return ok(await store.inWorkspace(workspaceId, (tx) => findConversation(tx, request.params.id)));
    },
  );

  http.get(
    '/conversations/:id/messages',
    {
      config: { permission: 'conversations:read' },
      schema: {
        tags,
        summary: 'Read messages: the newest before `cursor`, or all after a known `seq`; oldest first',
        params: IdParams,
        querystring: MessageQuery,
        response: { 200: cursored(Message) },
      },
    },
    async (request) => {
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
  );

  http.post(
    '/conversations/:id/messages',
    {
      config: { permission: 'conversations:write' },
      schema: {
        tags,
        summary: 'Reply, or write a private note',
        description:
          'A reply takes the conversation over when the bot or the queue has it. A resend with the same `clientId` changes nothing.',
        params: IdParams,
        body: AgentMessageInput,
        response: { 201: success(Message) },
      },
    },
    async (request) => {
      const { text, attachmentIds, template } = request.body;
      if (template && (text || attachmentIds.length > 0 || request.body.private)) {
        throw badRequest('A template goes alone.', [{ field: 'template', message: 'takes neither words nor files' }]);
      }
      if (!text && attachmentIds.length === 0 && !template) {
        throw badRequest('A message needs words or a file.', [{ field: 'text', message: 'is empty' }]);
      }
      return ok(await desk.reply(actorOf(request), request.params.id, { ...request.body, text: text ?? '' }));
    },
  );

  http.post(
    '/messages/:id/retry',
    {
      config: { permission: 'conversations:write' },
      schema: {
        tags,
        summary: 'Send a failed message again',
        description: '409 unless it failed, and `window_closed` while the platform takes only templates.',
        params: IdParams,
        response: { 200: success(Message) },
      },
    },
    async (request) => ok(await desk.retry(actorOf(request), request.params.id)),
  );

  http.post(
    '/conversations/:id/read',
    {
      config: { permission: 'conversations:read' },
      schema: { tags, summary: 'Mark as read', params: IdParams, response: { 200: success(Conversation) } },
    },
    async (request) => ok(await desk.markRead(actorOf(request), request.params.id)),
  );

  http.put(
    '/conversations/:id/labels',
    {
      config: { permission: 'conversations:write' },
      schema: {
        tags,
        summary: 'Replace the labels',
        params: IdParams,
        body: LabelsInput,
        response: { 200: success(Conversation) },
      },
    },
    async (request) => ok(await desk.setLabels(actorOf(request), request.params.id, request.body.labels)),
  );

  const step = (
    name: 'take-over' | 'return-to-bot' | 'resolve' | 'reopen',
    summary: string,
    run: (actor: Parameters<Desk['takeOver']>[0], id: string) => Promise<Conversation>,
  ): void => {
    http.post(
      `/conversations/:id/${name}`,
      {
        config: { permission: 'conversations:write' },
        schema: { tags, summary, params: IdParams, response: { 200: success(Conversation) } },
      },
      async (request) => ok(await run(actorOf(request), request.params.id)),
    );
  };
  step('take-over', 'Take over from the bot or the queue; the bot falls silent', desk.takeOver);
  step('return-to-bot', 'Give it back to the bot', desk.returnToBot);
  step('resolve', 'Resolve', desk.resolve);
  step('reopen', 'Reopen a resolved or snoozed conversation', desk.reopen);

  http.post(
    '/conversations/:id/assign',
    {
      config: { permission: 'conversations:write' },
      schema: {
        tags,
        summary: 'Assign an agent, or nobody',
        params: IdParams,
        body: AssignInput,
        response: { 200: success(Conversation) },
      },
    },
    async (request) => ok(await desk.assign(actorOf(request), request.params.id, request.body.agentId)),
  );

  http.post(
    '/conversations/:id/snooze',
    {
      config: { permission: 'conversations:write' },
      schema: {
        tags,
        summary: 'Snooze until a time or the next message',
        params: IdParams,
        body: SnoozeInput,
        response: { 200: success(Conversation) },
      },
    },
    async (request) => ok(await desk.snooze(actorOf(request), request.params.id, request.body.until)),
  );
}
