import { sql } from 'drizzle-orm';
import type { Tx } from '../platform/data/tenant.ts';

// Foreign tables: bots, contacts, conversations, files, inboxes, knowledge_bases, memberships, messages, sources, webhook_endpoints. What is gone is looked for wherever it is named.

/**
 * Every id of something else in a tenant's tables, and when it points at what is gone though somebody still relies on it: as
 * a condition on the row `r`. `history` says what was, and may name what is no more.
 */
export const REFERENCES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  files: {
    conversation_id:
      'r.conversation_id is not null and not exists (select from conversations t where t.id = r.conversation_id)',
    created_by_id: 'history',
  },
  file_removals: {},
  file_fetches: { conversation_id: 'history', message_id: 'history' },
  sources: {
    knowledge_base_id: `r.deleted_at is null and exists (select from knowledge_bases t where t.id = r.knowledge_base_id and t.deleted_at is not null)`,
    file_id: `r.file_id is not null and (r.deleted_at is not null or not exists (select from files t where t.id = r.file_id))`,
  },
  chunks: {
    knowledge_base_id: `exists (select from knowledge_bases t where t.id = r.knowledge_base_id and t.deleted_at is not null)`,
    source_id: `exists (select from sources t where t.id = r.source_id and t.deleted_at is not null)`,
  },
  bot_knowledge_bases: {
    bot_id: `exists (select from bots t where t.id = r.bot_id and t.deleted_at is not null)`,
    knowledge_base_id: `exists (select from knowledge_bases t where t.id = r.knowledge_base_id and t.deleted_at is not null)`,
  },
  inboxes: {
    bot_id: `r.deleted_at is null and exists (select from bots t where t.id = r.bot_id and t.deleted_at is not null)`,
  },
  contact_identities: {
    contact_id: `not exists (select from contacts t where t.id = r.contact_id)`,
    inbox_id: 'history',
  },
  threads: { inbox_id: 'history', contact_id: 'history', lease_holder: 'history' },
  inbound_events: {
    inbox_id: `r.processed_at is null and r.dead_at is null and exists (select from inboxes t where t.id = r.inbox_id and t.deleted_at is not null)`,
  },
  inbound_ids: { inbox_id: 'history', event_id: 'history' },
  conversations: {
    inbox_id: `r.status <> 'resolved' and exists (select from inboxes t where t.id = r.inbox_id and t.deleted_at is not null)`,
    thread_id: 'history',
    contact_id: `r.status <> 'resolved' and exists (select from contacts t where t.id = r.contact_id and t.deleted_at is not null)`,
    bot_id: `r.status <> 'resolved' and exists (select from bots t where t.id = r.bot_id and t.deleted_at is not null)`,
    assignee_id: `r.status <> 'resolved' and r.assignee_id is not null
      and not exists (select from memberships t where t.user_id = r.assignee_id and t.removed_at is null)`,
    messages_from: 'history',
  },
  messages: {
    conversation_id: `not exists (select from conversations t where t.id = r.conversation_id)`,
    author_id: 'history',
    turn_id: 'history',
  },
  turns: { conversation_id: 'history', thread_id: 'history', bot_id: 'history' },
  traces: { bot_id: 'history', conversation_id: 'history', turn_id: 'history' },
  deliveries: {
    inbox_id: `r.state in ('pending', 'sending') and exists (select from inboxes t where t.id = r.inbox_id and t.deleted_at is not null)`,
    thread_id: 'history',
    conversation_id: 'history',
    message_id: `r.state in ('pending', 'sending') and not exists (select from messages t where t.id = r.message_id)`,
  },
  handoffs: {
    conversation_id: `r.status = 'waiting' and exists (select from conversations t where t.id = r.conversation_id and t.status <> 'waiting')`,
    picked_up_by: 'history',
  },
  outbox: { subject_id: 'history' },
  webhook_endpoints: { created_by: 'history' },
  webhook_deliveries: {
    endpoint_id: `r.state = 'pending' and not exists (select from webhook_endpoints t where t.id = r.endpoint_id)`,
    fact_id: 'history',
    subject_id: 'history',
  },
  undos: { conversation_id: 'history', user_id: 'history', line_id: 'history' },
};

export type Dangling = { table: string; column: string; count: number; example: string };

/** What in the workspace of the transaction still points at what is gone. */
export async function findDangling(tx: Tx): Promise<Dangling[]> {
  const found: Dangling[] = [];
  for (const [table, columns] of Object.entries(REFERENCES)) {
    for (const [column, isBroken] of Object.entries(columns)) {
      if (isBroken === 'history') continue;
      const { rows } = await tx.execute<{ count: number; example: string | null }>(
        sql.raw(`select count(*)::int as count, min(r.${column}::text) as example from ${table} r where ${isBroken}`),
      );
      const [row] = rows;
      if (row && row.count > 0) found.push({ table, column, count: row.count, example: row.example ?? '' });
    }
  }
  return found;
}
