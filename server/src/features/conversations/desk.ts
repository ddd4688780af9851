import type { Conversation, Message } from '@parley/contract';
import type { Live } from '../../platform/realtime.ts';
import { rooms } from '../../platform/realtime.ts';
import type { Store, Tx } from '../../platform/tenant.ts';
import { resolveAttachments, shareAttachments } from '../files/commands.ts';
import type { QueueAnnouncer } from '../handoffs/announce.ts';
import { pickUp } from '../handoffs/commands.ts';
import { announceMessage } from '../messages/announce.ts';
import { announceConversation, announceStatus } from './announce.ts';
import * as commands from './commands.ts';
import { findConversation } from './queries.ts';

export type DeskActor = { workspaceId: string; userId: string; name: string };

/** What an agent does, by whichever door (REST, socket): the command, then word of it to everybody concerned. */
export type Desk = ReturnType<typeof createDesk>;

export function createDesk(parts: {
  store: Store;
  live: Live;
  queue: QueueAnnouncer;
  /** the bot's running turn stops */
  takenOver: (conversationId: string) => void;
  /** a message waits for the platform */
  deliver: (workspaceId: string, threadId: string) => void;
  channelIsLive: (channel: Conversation['inbox']['channel']) => boolean;
}) {
  const { store, live, queue } = parts;

  async function change(
    actor: DeskActor,
    conversationId: string,
    run: (
      tx: Tx,
      target: { workspaceId: string; conversationId: string },
      agent: commands.Agent,
    ) => Promise<commands.Changed>,
  ): Promise<Conversation> {
    const { workspaceId } = actor;
    const { changed, conversation } = await store.inWorkspace(workspaceId, async (tx) => {
      const done = await run(tx, { workspaceId, conversationId }, { userId: actor.userId, name: actor.name });
      return { changed: done, conversation: await findConversation(tx, conversationId) };
    });
    tell(actor, conversation, changed.message ? [changed.message] : []);
    return conversation;
  }

  function tell(actor: DeskActor, conversation: Conversation, messages: Message[]): void {
    const { id, status, assignee } = conversation;
    if (status !== 'bot') parts.takenOver(id);
    for (const message of messages) announceMessage(live, message);
    announceStatus(live, {
      conversationId: id,
      status,
      ...(status === 'agent' && assignee ? { agentName: assignee.name } : {}),
    });
    if (status === 'agent' && assignee) {
      live.emit([rooms.conversation(id), rooms.visitor(id)], 'session:assigned', {
        conversationId: id,
        agentName: assignee.name,
      });
    }
    if (status === 'resolved')
      live.emit([rooms.conversation(id), rooms.visitor(id)], 'session:closed', { conversationId: id });
    announceConversation(live, actor.workspaceId, conversation);
    queue.changed(actor.workspaceId);
  }

  return {
    takeOver: (actor: DeskActor, id: string) => change(actor, id, commands.takeOver),
    returnToBot: (actor: DeskActor, id: string) => change(actor, id, commands.returnToBot),
    resolve: (actor: DeskActor, id: string) => change(actor, id, commands.resolve),
    reopen: (actor: DeskActor, id: string) => change(actor, id, commands.reopen),
    assign: (actor: DeskActor, id: string, agentId: string | null) =>
      change(actor, id, (tx, target, agent) => commands.assign(tx, target, agent, agentId)),
    snooze: (actor: DeskActor, id: string, until: string) =>
      change(actor, id, (tx, target, agent) => commands.snooze(tx, target, agent, until)),

    async setLabels(actor: DeskActor, id: string, labels: string[]): Promise<Conversation> {
      const conversation = await store.inWorkspace(actor.workspaceId, async (tx) => {
        await commands.setLabels(tx, { workspaceId: actor.workspaceId, conversationId: id }, labels);
        return findConversation(tx, id);
      });
      announceConversation(live, actor.workspaceId, conversation);
      return conversation;
    },

    async markRead(actor: DeskActor, id: string): Promise<Conversation> {
      const conversation = await store.inWorkspace(actor.workspaceId, async (tx) => {
        await commands.markRead(tx, id);
        return findConversation(tx, id);
      });
      announceConversation(live, actor.workspaceId, conversation);
      return conversation;
    },

    /** @throws conflict, naming the colleague who was faster */
    async pickUp(actor: DeskActor, handoffId: string): Promise<Conversation> {
      const { workspaceId } = actor;
      const { picked, conversation } = await store.inWorkspace(workspaceId, async (tx) => {
        const taken = await pickUp(tx, { workspaceId, handoffId }, { userId: actor.userId, name: actor.name });
        return { picked: taken, conversation: await findConversation(tx, taken.conversationId) };
      });
      tell(actor, conversation, picked.messages);
      return conversation;
    },

    async reply(
      actor: DeskActor,
      id: string,
      input: { text: string; private: boolean; attachmentIds: string[]; clientId?: string },
    ): Promise<Message> {
      const { workspaceId } = actor;
      const done = await store.inWorkspace(workspaceId, async (tx) => {
        const before = await findConversation(tx, id);
        const attachments = input.private
          ? await resolveAttachments(tx, input.attachmentIds)
          : await shareAttachments(tx, id, input.attachmentIds);
        const replied = await commands.reply(
          tx,
          { workspaceId, conversationId: id },
          { userId: actor.userId, name: actor.name },
          { text: input.text, private: input.private, attachments, clientId: input.clientId },
          parts.channelIsLive(before.inbox.channel),
        );
        return { replied, conversation: await findConversation(tx, id) };
      });
      const { message, changed, threadId, repeated } = done.replied;
      if (repeated) return message;
      if (changed) tell(actor, done.conversation, changed.message ? [changed.message] : []);
      else announceConversation(live, workspaceId, done.conversation);
      announceMessage(live, message);
      if (message.status === 'pending') parts.deliver(workspaceId, threadId);
      return message;
    },
  };
}
