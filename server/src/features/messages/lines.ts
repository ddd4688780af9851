import { sql } from 'drizzle-orm';
import type { Message } from '@parley/contract';
import { newId } from '../../platform/data/ids.ts';
import { storedJson } from '../../platform/data/stored-json.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { presentMessage } from './present.ts';
import type { MessageRow } from './present.ts';

// Foreign tables: conversations. A line and its place in the order are one statement.

/** The same line at the end of many conversations, whose rows are locked. Returns them. */
export async function appendLines(
  tx: Tx,
  workspaceId: string,
  conversationIds: string[],
  line: { text: string; event: string; detail: Record<string, unknown> },
): Promise<Message[]> {
  const places = conversationIds.map((id) => ({ conversation_id: id, message_id: newId() }));
  const { rows } = await tx.execute<MessageRow>(sql`
    with moved as (
      update conversations c set last_seq = c.last_seq + 1, messages_from = least(c.messages_from, i.message_id), updated_at = ${tx.now}
      from jsonb_to_recordset(${JSON.stringify(places)}::jsonb) as i(conversation_id uuid, message_id uuid)
      where c.id = i.conversation_id returning c.id, c.last_seq, i.message_id
    )
    insert into messages (id, workspace_id, conversation_id, seq, author_type, text, payload, created_at)
    select m.message_id, ${workspaceId}::uuid, m.id, m.last_seq, 'system', ${line.text},
      ${storedJson({ event: line.event, detail: line.detail })}::jsonb, ${tx.now}::timestamptz
    from moved m returning *`);
  return rows.map(presentMessage);
}

/** A line that told of what was undone goes as if it had never been. Returns it as it is to be shown: not at all. */
export async function takeLineBack(tx: Tx, id: string): Promise<Message | undefined> {
  const { rows } = await tx.execute<MessageRow>(
    sql`delete from messages where id = ${id}::uuid and author_type = 'system' returning *`,
  );
  return rows[0] && presentMessage({ ...rows[0], deleted_at: tx.now });
}
