import { sql } from 'drizzle-orm';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Sweep } from '../../platform/sweeps/sweeps.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { changesOfMove } from '../handoffs/changes.ts';
import { wakeUp } from './commands.ts';
import { findConversation } from './queries.ts';

const AT_ONCE = 500;

/** Conversations whose snooze is over come back, and everybody is told. */
export function endOfSnoozes({ store, publish }: { store: Store; publish: Publish }): Sweep {
  async function wake(workspaceId: string, conversationId: string): Promise<void> {
    const woken = await store.inWorkspace(workspaceId, async (tx) => {
      const changed = await wakeUp(tx, { workspaceId, conversationId });
      return changed && { changed, conversation: await findConversation(tx, conversationId) };
    });
    if (!woken) return;
    const { changed, conversation } = woken;
    publish(changesOfMove(workspaceId, { conversation, messages: changed.message ? [changed.message] : [] }));
  }

  return {
    name: 'end of snoozes',
    async at(place) {
      const { rows } = await place.asSystem((tx) =>
        tx.execute<{ workspace_id: string; id: string }>(sql`
          select workspace_id, id from conversations where status = 'snoozed' and snoozed_until <= ${tx.now} limit ${AT_ONCE}`),
      );
      const ended = await Promise.allSettled(rows.map((row) => wake(row.workspace_id, row.id)));
      const failed = ended.find((one) => one.status === 'rejected');
      if (failed) throw failed.reason;
    },
  };
}
