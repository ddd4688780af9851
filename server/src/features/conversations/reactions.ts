import { defineReaction } from '../../platform/facts/reactions.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { changesOfMove } from '../handoffs/changes.ts';
import { memberFacts } from '../members/facts.ts';
import { release, someLeftBy } from './closing.ts';
import { findConversation } from './queries.ts';

const AT_ONCE = 100;

/**
 * People belong to the installation, conversations to where their workspace lives: no transaction spans both. So the fact of
 * the removal does this, however often it is told.
 */
export const releaseConversations = ({ store, publish }: { store: Store; publish: Publish }) =>
  defineReaction({
    name: 'release-conversations',
    sentence: 'Gives the conversations of a removed member back to the queue, or to nobody.',
    on: memberFacts.on('member.removed'),
    async handle({ workspaceId, payload: { userId } }) {
      for (;;) {
        const ids = await store.inWorkspace(workspaceId, (tx) => someLeftBy(tx, userId, AT_ONCE));
        if (ids.length === 0) return;
        for (const conversationId of ids) {
          const done = await store.inWorkspace(workspaceId, async (tx) => {
            const released = await release(tx, { workspaceId, conversationId }, userId);
            return released && { released, conversation: await findConversation(tx, conversationId) };
          });
          if (done) publish(changesOfMove(workspaceId, { conversation: done.conversation, ...done.released }));
        }
      }
    },
  });
