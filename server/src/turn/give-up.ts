import { sql } from 'drizzle-orm';
import { phrase } from '../engine/phrases.ts';
import type { Outcome } from '../engine/types.ts';
import { openConversation } from '../features/conversations/commands.ts';
import type { ConversationAnnouncer } from '../features/conversations/announce.ts';
import type { QueueAnnouncer } from '../features/handoffs/announce.ts';
import type { InboxDirectory, InboxRuntime } from '../features/inboxes/lookup.ts';
import { announceMessage } from '../features/messages/announce.ts';
import { append, systemMessage } from '../features/messages/commands.ts';
import type { Logger } from '../platform/log.ts';
import type { Live } from '../platform/realtime.ts';
import type { Store } from '../platform/tenant.ts';
import type { Wake } from '../platform/wake.ts';
import { handOver } from './hand-over.ts';
import type { Round } from './mailbox.ts';
import { DELIVERY, writeLaneKey } from './topics.ts';

const givenUp: Outcome = {
  handler: 'give-up',
  handoff: {
    reason: 'MODEL_FAILED',
    detail: 'A message of the customer could not be processed. The log names the error.',
  },
};

/**
 * The last resort of the mailbox: a person gets what could not be dealt with, and the customer is told. Where a person
 * has the conversation already, they are told that a message is missing.
 */
export function createGiveUp(parts: {
  store: Store;
  live: Live;
  wake: Wake;
  log: Logger;
  inboxes: InboxDirectory;
  channelIsLive: (inbox: InboxRuntime) => boolean;
  conversations: ConversationAnnouncer;
  queue: QueueAnnouncer;
}) {
  const { store, live, wake, log } = parts;

  return async function giveUp(round: Pick<Round, 'key' | 'lease' | 'events' | 'conversation'>): Promise<void> {
    const { key, lease } = round;
    const { workspaceId } = key;
    const inbox = await parts.inboxes.byId(workspaceId, key.inboxId);
    const sender = round.events[0]?.event.sender;
    if (!inbox) return;
    const deliver = !parts.channelIsLive(inbox);
    const { conversationId, messages } = await store.inWorkspace(workspaceId, async (tx) => {
      const id =
        round.conversation?.id ??
        (
          await openConversation(
            tx,
            { workspaceId, inboxId: inbox.id, botId: inbox.botId },
            key.threadKey,
            sender?.externalId ? sender : { externalId: key.threadKey },
          )
        ).conversationId;
      const target = { workspaceId, conversationId: id };
      const saidFirst = phrase('en', 'modelFailed');
      const handed = await handOver(tx, target, givenUp, { lease, language: 'en', deliver, saidFirst });
      // What a turn began and nobody will go on with.
      await tx.execute(sql`
        update turns set status = 'failed', handler = 'give-up', finished_at = now()
        where thread_id = ${lease.threadId}::uuid and status = 'running'
          and exists (select 1 from threads where id = ${lease.threadId}::uuid and lease_token = ${lease.token})`);
      if (handed) return { conversationId: id, messages: handed.messages };
      const noted = await append(
        tx,
        target,
        [
          {
            ...systemMessage(
              'message.unreadable',
              'A message of the customer could not be read. The log names the error.',
            ),
            private: true,
          },
        ],
        { guard: { lease } },
      );
      return { conversationId: id, messages: noted.outcome === 'stored' ? noted.messages : [] };
    });
    for (const message of messages) announceMessage(live, message);
    if (deliver) wake.wake(DELIVERY, writeLaneKey({ workspaceId, threadId: lease.threadId }));
    parts.queue.changed(workspaceId);
    parts.conversations.changed(workspaceId, conversationId);
    log.error({ conversationId }, 'a turn was given up and handed to a person');
  };
}
