import type { Stats } from '@parley/contract';
import { sql } from 'drizzle-orm';
import type { Store } from '../../platform/data/tenant.ts';
import { rooms } from '../../platform/sockets/realtime.ts';
import type { Realtime } from '../../platform/sockets/realtime.ts';

// Foreign tables: handoffs, memberships. They are counted, in one statement.

/** What is going on in a workspace just now. */
export type ReadStats = (workspaceId: string) => Promise<Stats>;

export const createReadStats =
  ({ store, realtime }: { store: Store; realtime: Pick<Realtime, 'io'> }): ReadStats =>
  async (workspaceId) => {
    const { rows: counted } = await store.inWorkspace(workspaceId, (tx) =>
      tx.execute<{ waiting: number; open: number; online: number; longest: number }>(sql`
        select (select count(*)::int from handoffs where status = 'waiting') as waiting,
          (select count(*)::int from conversations where status <> 'resolved') as open,
          (select count(*)::int from memberships where presence = 'online' and removed_at is null) as online,
          (select coalesce(extract(epoch from ${tx.now}::timestamptz - min(waiting_since)), 0)::int from handoffs where status = 'waiting') as longest`),
    );
    const row = counted[0];
    return {
      waiting: row?.waiting ?? 0,
      openConversations: row?.open ?? 0,
      agentsOnline: row?.online ?? 0,
      visitorsConnected: (await realtime.io.in(rooms.visitorsOf(workspaceId)).fetchSockets()).length,
      longestWaitSeconds: row?.longest ?? 0,
      at: store.clock.now().toISOString(),
    };
  };
