import { sql } from 'drizzle-orm';
import { channels } from '../channels/registry.ts';
import { phrase } from '../engine/phrases.ts';
import type { Outcome } from '../engine/types.ts';
import { openConversation } from '../features/conversations/commands.ts';
import { conversationTouched } from '../features/conversations/changes.ts';
import { handoffRequested, queueTouched } from '../features/handoffs/changes.ts';
import type { InboxDirectory } from '../features/inboxes/lookup.ts';
import { deliveryDue, messageStored } from '../features/messages/changes.ts';
import { append, systemMessage } from '../features/messages/commands.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import type { Publish } from '../platform/publish/publish.ts';
import type { Store } from '../platform/data/tenant.ts';
import { requestHandoffWithClosing } from './handoff.ts';
import type { Round } from './mailbox.ts';

// Real time: when the machinery was done.

const unprocessed: Outcome = {
  handler: 'dead-letter',
  handoff: {
    reason: 'MODEL_FAILED',
    detail: 'A message of the customer could not be processed. The log names the error.',
  },
};

/**
 * The last resort of the mailbox: a person gets what could not be dealt with, and the customer is told. Where a person
 * has the conversation already, they are told that a message is missing.
 */
export function createDeadLetter(parts: { store: Store; publish: Publish; log: Logger; inboxes: InboxDirectory }) {
  const { store, publish, log } = parts;

  return async function deadLetter(round: Pick<Round, 'key' | 'lease' | 'events' | 'conversation'>): Promise<void> {
    const { key, lease } = round;
    const { workspaceId } = key;
    const inbox = await parts.inboxes.byId(workspaceId, key.inboxId);
    const sender = round.events[0]?.event.sender;
    if (!inbox) return;
    const { channel } = inbox;
    const deliver = channels[channel].live !== true;
    const { conversationId, messages, requested } = await store.inWorkspace(workspaceId, async (tx) => {
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
      const handed = await requestHandoffWithClosing(tx, target, unprocessed, {
        lease,
        language: 'en',
        deliver,
        saidFirst,
      });
      // What a turn began and nobody will go on with.
      await tx.execute(sql`
        update turns set status = 'failed', handler = 'dead-letter', finished_at = now()
        where thread_id = ${lease.threadId}::uuid and status = 'running'
          and exists (select 1 from threads where id = ${lease.threadId}::uuid and lease_token = ${lease.token})`);
      if (handed) return { conversationId: id, messages: handed.messages, requested: true };
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
      return { conversationId: id, messages: noted.outcome === 'stored' ? noted.messages : [], requested: false };
    });
    publish([
      ...messages.map((message) => messageStored(workspaceId, { message, channel })),
      ...(deliver ? [deliveryDue(workspaceId, { threadId: lease.threadId })] : []),
      ...(requested
        ? [handoffRequested(workspaceId, { conversationId, reason: 'MODEL_FAILED', question: undefined })]
        : []),
      queueTouched(workspaceId),
      conversationTouched(workspaceId, { conversationId }),
    ]);
    log.error({ conversationId }, 'a turn was dead-lettered and handed to a person');
  };
}
