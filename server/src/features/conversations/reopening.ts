import { sql } from 'drizzle-orm';
import type { Tx } from '../../platform/data/tenant.ts';

// Foreign tables: contacts, memberships, threads. What decides about a state is read under its lock.

export type Reopenable = { id: string; threadId: string; contactId: string; name: string; ownerIsThere: boolean };

type Row = { id: string; thread_id: string; contact_id: string; name: string; there: boolean };

/**
 * The conversation of a thread that goes on when its customer writes: the last one, unless another is open or it was resolved
 * too long ago. Locked. `ownerIsThere`: who had it is a colleague still, and present.
 */
export async function findReopenable(
  tx: Tx,
  inbox: { inboxId: string; reopenDays: number },
  threadKey: string,
): Promise<Reopenable | undefined> {
  if (inbox.reopenDays === 0) return undefined;
  const { rows } = await tx.execute<Row>(sql`
    select c.id, c.thread_id, c.contact_id, (select name from contacts where id = c.contact_id) as name, exists (select 1 from memberships m
      where m.user_id = c.assignee_id and m.removed_at is null and m.presence <> 'offline') as there
    from conversations c
    where c.thread_id = (select id from threads where inbox_id = ${inbox.inboxId}::uuid and thread_key = ${threadKey})
      and c.status = 'resolved' and c.resolved_at > ${tx.now}::timestamptz - make_interval(days => ${inbox.reopenDays})
      and not exists (select 1 from conversations o where o.thread_id = c.thread_id and o.status <> 'resolved')
    order by c.resolved_at desc limit 1 for update of c`);
  const [row] = rows;
  return (
    row && { id: row.id, threadId: row.thread_id, contactId: row.contact_id, name: row.name, ownerIsThere: row.there }
  );
}
