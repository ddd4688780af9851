import { sql } from 'drizzle-orm';
import type { Inbound } from '../channels/contract.ts';
import type { Store } from '../platform/data/tenant.ts';

// Foreign tables: contact_identities. Which thread a person has is one look, before anything is stored.

type Inbox = { id: string; workspaceId: string };

/**
 * The thread each event belongs to, where the platform names one person in several ways: the thread of a person who is
 * known by any of the ids is taken, whichever of them came this time. Ids that are all known already are left out of what
 * is stored. Costs one statement, and none for events whose sender has one id.
 */
export async function resolveThreads(store: Store, inbox: Inbox, events: Inbound[]): Promise<Inbound[]> {
  const idsOf = ({ sender, ...event }: Inbound): string[] => [
    sender.externalId,
    ...(sender.otherIds ?? []),
    ...(event.kind === 'identity' ? [event.previousId] : []),
    ...(sender.spellings ?? []),
  ];
  const several = events.filter(({ sender }) => sender.otherIds !== undefined || sender.spellings !== undefined);
  if (several.length === 0) return events;
  const isSeveral = new Set(several);
  const ids = [...new Set(several.flatMap(idsOf))];
  const rows = await store.once<{ external_id: string; contact_id: string; thread_key: string | null }>(
    inbox.workspaceId,
    sql`
    select i.external_id, i.contact_id, (
      select t.thread_key from threads t where t.inbox_id = i.inbox_id and t.contact_id = i.contact_id order by t.id limit 1
    ) as thread_key
    from contact_identities i where i.inbox_id = ${inbox.id}::uuid and i.external_id = any(${sql.param(ids)}::text[])`,
  );
  const known = new Map(rows.map((row) => [row.external_id, row]));
  // Two first events of one batch may name a person by different ids: the first one's key counts for all that share an id.
  const begun = new Map<string, string>();
  return events.map((event) => {
    if (!isSeveral.has(event)) return event;
    const own = idsOf(event);
    const threadKey =
      own.map((id) => known.get(id)?.thread_key ?? begun.get(id)).find((key) => key != null) ?? event.threadKey;
    for (const id of own) begun.set(id, threadKey);
    const { otherIds = [], spellings: _spellings, ...sender } = event.sender;
    const named = [sender.externalId, ...otherIds].map((id) => known.get(id)?.contact_id);
    const isKnown = named.every((contact) => contact !== undefined);
    return { ...event, threadKey, sender: isKnown ? sender : event.sender };
  });
}
