import { sql } from 'drizzle-orm';
import type { Conversation, SendContext } from '../channels/contract.ts';
import type { Store } from '../platform/data/tenant.ts';

// Foreign tables: contact_identities, messages, conversations, contacts. What a channel asks for is read in one statement.

/** Where a part is said. What the conversation was like is read when the channel asks for it, once. */
export function sendContext(
  store: Store,
  of: { workspaceId: string; conversationId: string; threadKey: string; replyToId?: string | null; attemptKey: string },
): SendContext {
  let reading: Promise<Conversation> | undefined;
  return {
    threadKey: of.threadKey,
    attemptKey: of.attemptKey,
    conversation: () => (reading ??= readConversation(store, of)),
  };
}

async function readConversation(
  store: Store,
  of: { workspaceId: string; conversationId: string; replyToId?: string | null },
): Promise<Conversation> {
  const [row] = await store.once<{
    name: string;
    email: string | null;
    phone: string | null;
    external_ids: string[] | null;
    last_inbound_id: string | null;
    last_inbound_at: string | Date | null;
    reply_to: string | null;
    refs: string[] | null;
  }>(
    of.workspaceId,
    sql`
    select p.name, p.email, p.phone, c.last_inbound_id, c.last_inbound_at,
      (select array_agg(i.external_id order by i.id desc) from contact_identities i
        where i.inbox_id = c.inbox_id and i.contact_id = c.contact_id) as external_ids,
      (select coalesce(m.platform_id, (select d.platform_ids[array_upper(d.platform_ids, 1)] from deliveries d where d.message_id = m.id))
        from messages m where m.id = ${of.replyToId ?? null}::uuid) as reply_to,
      (select array_agg(r.platform_id order by r.seq) from (
        select m.platform_id, m.seq from messages m where m.conversation_id = c.id and m.id >= c.messages_from
          and m.platform_id is not null order by m.seq desc limit 20) r) as refs
    from conversations c join contacts p on p.id = c.contact_id where c.id = ${of.conversationId}::uuid`,
  );
  if (!row) throw new Error('the conversation of a delivery is gone');
  return {
    contact: { externalIds: row.external_ids ?? [], name: row.name, email: row.email, phone: row.phone },
    lastInbound:
      row.last_inbound_id !== null && row.last_inbound_at !== null
        ? { id: row.last_inbound_id, at: new Date(row.last_inbound_at).toISOString() }
        : null,
    replyTo: row.reply_to,
    references: row.refs ?? [],
  };
}
