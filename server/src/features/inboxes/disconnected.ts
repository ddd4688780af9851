import { sql } from 'drizzle-orm';
import type { Publish } from '../../platform/publish/publish.ts';
import { recordFacts } from '../../platform/facts/record.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { inboxChanged, inboxDisconnected } from './changes.ts';
import { inboxFacts } from './facts.ts';

/** The platform no longer takes the credentials. Said once, however many messages find out. */
export async function noteDisconnected(
  parts: { store: Store; publish: Publish },
  inbox: { id: string; workspaceId: string; name: string },
  reason: string,
): Promise<void> {
  const { workspaceId, id } = inbox;
  const isNews = await parts.store.inWorkspace(workspaceId, async (tx) => {
    const { rows } = await tx.execute(sql`
      update inboxes set status = 'disconnected', status_detail = ${reason}
      where id = ${id}::uuid and status not in ('disconnected', 'disabled') and deleted_at is null returning id`);
    if (!rows[0]) return false;
    await recordFacts(tx, [inboxFacts.make('inbox.disconnected', { workspaceId, subjectId: id, payload: { reason } })]);
    return true;
  });
  if (!isNews) return;
  parts.publish([
    inboxChanged(workspaceId, { inboxId: id }),
    inboxDisconnected(workspaceId, { name: inbox.name, reason }),
  ]);
}
