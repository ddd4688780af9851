import type { Conversation, Message, MovedConversation } from '@parley/contract';
import type { Publish } from '../../platform/publish/publish.ts';
import { isLive } from '../../channels/registry.ts';
import { conflict, notFound } from '../../platform/errors.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { resolveAttachments, shareAttachments } from '../files/commands.ts';
import { changesOfMove } from '../handoffs/changes.ts';
import { pickUp } from '../handoffs/commands.ts';
import { fillTemplate, findTemplate } from '../inboxes/queries.ts';
import { deliveryDue, filesDue, messageStored, messageUpdated } from '../messages/changes.ts';
import { retry as retryMessage, retryFiles } from '../messages/commands.ts';
import { assertMessageOf, findMessage } from '../messages/queries.ts';
import { conversationListed } from './changes.ts';
import * as commands from './commands.ts';
import { findConversation } from './queries.ts';
import { keepUndo, standingOf, undoMove } from './undo.ts';
import { assertInboxThere, assertWindowOpen } from './window.ts';

export type DeskActor = { workspaceId: string; userId: string; name: string };

/** What an agent does, by whichever door (REST, socket): the command, then word of it to everybody concerned. */
export type Desk = ReturnType<typeof createDesk>;

export function createDesk({ store, publish }: { store: Store; publish: Publish }) {
  async function change(
    actor: DeskActor,
    conversationId: string,
    run: (
      tx: Tx,
      target: { workspaceId: string; conversationId: string },
      agent: commands.Agent,
    ) => Promise<commands.Changed>,
  ): Promise<MovedConversation> {
    const { workspaceId } = actor;
    const target = { workspaceId, conversationId };
    const { changed, conversation, undoId } = await store.inWorkspace(workspaceId, async (tx) => {
      const before = await standingOf(tx, conversationId);
      const done = await run(tx, target, { userId: actor.userId, name: actor.name });
      return {
        changed: done,
        undoId: await keepUndo(tx, target, actor.userId, before, done.message),
        conversation: await findConversation(tx, conversationId),
      };
    });
    publish(changesOfMove(workspaceId, { conversation, messages: changed.message ? [changed.message] : [] }));
    return { ...conversation, undoId };
  }

  return {
    takeOver: (actor: DeskActor, id: string) => change(actor, id, commands.takeOver),
    returnToBot: (actor: DeskActor, id: string) => change(actor, id, commands.returnToBot),
    resolve: (actor: DeskActor, id: string) => change(actor, id, commands.resolve),
    reopen: (actor: DeskActor, id: string) =>
      change(actor, id, async (tx, target, agent) => {
        assertInboxThere(await findConversation(tx, id));
        return commands.reopen(tx, target, agent);
      }),
    assign: (actor: DeskActor, id: string, agentId: string | null) =>
      change(actor, id, (tx, target, agent) => commands.assign(tx, target, agent, agentId)),
    snooze: (actor: DeskActor, id: string, until: string) =>
      change(actor, id, (tx, target, agent) => commands.snooze(tx, target, agent, until)),

    /** @throws not-found; conflict, with what happened in between */
    async undo(actor: DeskActor, id: string, undoId: string): Promise<Conversation> {
      const { workspaceId } = actor;
      const { line, conversation } = await store.inWorkspace(workspaceId, async (tx) => ({
        line: await undoMove(tx, { workspaceId, conversationId: id }, actor, undoId),
        conversation: await findConversation(tx, id),
      }));
      publish([
        ...(line ? [messageUpdated(workspaceId, { message: line, channel: conversation.inbox.channel })] : []),
        ...changesOfMove(workspaceId, { conversation, messages: [] }),
      ]);
      return conversation;
    },

    async setLabels(actor: DeskActor, id: string, labels: string[]): Promise<Conversation> {
      const conversation = await store.inWorkspace(actor.workspaceId, async (tx) => {
        await commands.setLabels(tx, { workspaceId: actor.workspaceId, conversationId: id }, labels);
        return findConversation(tx, id);
      });
      publish([conversationListed(actor.workspaceId, conversation)]);
      return conversation;
    },

    async markRead(actor: DeskActor, id: string): Promise<Conversation> {
      const conversation = await store.inWorkspace(actor.workspaceId, async (tx) => {
        await commands.markRead(tx, id);
        return findConversation(tx, id);
      });
      publish([conversationListed(actor.workspaceId, conversation)]);
      return conversation;
    },

    /** @throws conflict, naming the colleague who was faster */
    async pickUp(actor: DeskActor, handoffId: string): Promise<Conversation> {
      const { workspaceId } = actor;
      const { picked, conversation } = await store.inWorkspace(workspaceId, async (tx) => {
        const taken = await pickUp(tx, { workspaceId, handoffId }, { userId: actor.userId, name: actor.name });
        return { picked: taken, conversation: await findConversation(tx, taken.conversationId) };
      });
      publish(changesOfMove(workspaceId, { conversation, messages: picked.messages }));
      return conversation;
    },

    async reply(
      actor: DeskActor,
      id: string,
      input: {
        text: string;
        private: boolean;
        attachmentIds: string[];
        clientId?: string;
        replyToId?: string;
        template?: { name: string; language: string; variables: Record<string, string> };
      },
    ): Promise<Message> {
      const { workspaceId } = actor;
      const done = await store.inWorkspace(workspaceId, async (tx) => {
        const before = await findConversation(tx, id);
        const { template } = input;
        if (!input.private) assertInboxThere(before);
        if (!template && !input.private) assertWindowOpen(before);
        const text = template
          ? fillTemplate(await findTemplate(tx, before.inbox.id, template), template.variables)
          : input.text;
        if (input.replyToId) await assertMessageOf(tx, id, input.replyToId);
        const attachments = input.private
          ? await resolveAttachments(tx, input.attachmentIds)
          : await shareAttachments(tx, id, input.attachmentIds);
        const replied = await commands.reply(
          tx,
          { workspaceId, conversationId: id },
          { userId: actor.userId, name: actor.name },
          {
            text,
            private: input.private,
            attachments,
            clientId: input.clientId,
            replyToId: input.replyToId,
            template,
          },
          isLive(before.inbox.channel),
        );
        return { replied, conversation: await findConversation(tx, id) };
      });
      const { message, changed, threadId, repeated } = done.replied;
      if (repeated) return message;
      const { conversation } = done;
      const messages = changed?.message ? [changed.message] : [];
      publish([
        ...(changed
          ? changesOfMove(workspaceId, { conversation, messages })
          : [conversationListed(workspaceId, conversation)]),
        messageStored(workspaceId, { message, channel: conversation.inbox.channel }),
        ...(message.status === 'pending' ? [deliveryDue(workspaceId, { threadId })] : []),
      ]);
      return message;
    },

    /** @throws not-found; conflict unless it failed, and `window_closed` for words the platform does not take now */
    async retry(actor: DeskActor, messageId: string): Promise<Message> {
      const { workspaceId } = actor;
      const { retried, conversation } = await store.inWorkspace(workspaceId, async (tx) => {
        const before = await findMessage(tx, messageId);
        if (!before) throw notFound('The message');
        const of = await findConversation(tx, before.conversationId);
        assertInboxThere(of);
        const again = await retryMessage(tx, messageId);
        if (!again) throw conflict('Only a message that failed can be sent again.');
        if (!again.isTemplate) assertWindowOpen(of);
        return { retried: again, conversation: await findConversation(tx, before.conversationId) };
      });
      publish([
        messageUpdated(workspaceId, { message: retried.message, channel: conversation.inbox.channel }),
        conversationListed(workspaceId, conversation),
        deliveryDue(workspaceId, { threadId: retried.threadId }),
      ]);
      return retried.message;
    },

    /** @throws not-found; conflict when no file of it was given up */
    async retryFiles(actor: DeskActor, messageId: string): Promise<Message> {
      const { workspaceId } = actor;
      const { message, channel } = await store.inWorkspace(workspaceId, async (tx) => {
        const before = await findMessage(tx, messageId);
        if (!before) throw notFound('The message');
        const again = await retryFiles(tx, messageId);
        if (!again) throw conflict('No file of this message was given up.');
        return { message: again, channel: (await findConversation(tx, before.conversationId)).inbox.channel };
      });
      publish([messageUpdated(workspaceId, { message, channel }), filesDue(workspaceId, { messageId })]);
      return message;
    },
  };
}
