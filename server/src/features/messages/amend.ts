import { sql } from 'drizzle-orm';
import type { Attachment, Author, Message } from '@parley/contract';
import { storedJson } from '../../platform/data/stored-json.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { forgetFetchedFiles } from '../files/commands.ts';
import { preview } from './append-statement.ts';
import { forgetFiles } from './file-fetches.ts';
import { iso, presentMessage } from './present.ts';
import type { MessageRow } from './present.ts';
import { since } from './queries.ts';

// Foreign tables: conversations. What the list shows of a message follows it.

/** So many earlier texts of a message are kept, the newest of them. */
const EARLIER = 10;

/**
 * The message was changed by its author at this time. Nothing when it is gone, or known as it was changed later. Its former
 * words are kept. `changed`: it says something else than before; the same when this is done again.
 */
export async function edit(
  tx: Tx,
  messageId: string,
  change: { text: string; at: string },
): Promise<{ message: Message; changed: boolean } | undefined> {
  const at = iso(change.at);
  const { rows } = await tx.execute<MessageRow>(sql`
    update messages set text = ${change.text}, edited_at = ${at}::timestamptz,
      payload = case when text = ${change.text} then payload else jsonb_set(payload, '{earlier}',
        (select jsonb_agg(e order by n) from (
          select e, n from jsonb_array_elements(coalesce(payload -> 'earlier', '[]') || jsonb_build_object('text', text, 'until', ${at}::text))
            with ordinality as x(e, n) order by n desc limit ${EARLIER}) kept)) end
    where id = ${messageId}::uuid and deleted_at is null and (edited_at is null or edited_at <= ${at}::timestamptz)
    returning *`);
  const [row] = rows;
  if (!row) return undefined;
  await previewAgain(tx, row, preview(row.text, row.attachments));
  return { message: presentMessage(row), changed: row.payload.earlier?.at(-1)?.until === at };
}

/** The customer took a message back: its words and files go, its place stays. */
export async function remove(tx: Tx, messageId: string): Promise<Message | undefined> {
  const { rows } = await tx.execute<MessageRow & { former: Attachment[] }>(sql`
    update messages m set text = '', attachments = '[]', payload = m.payload - array['location', 'details', 'template', 'earlier', 'missing', 'album', 'quote'],
      deleted_at = coalesce(m.deleted_at, ${tx.now})
    from (select id, attachments from messages where id = ${messageId}::uuid for update) b
    where m.id = b.id and m.id = ${messageId}::uuid returning m.*, b.attachments as former`);
  const [row] = rows;
  if (!row) return undefined;
  await forgetFetchedFiles(tx, row.former);
  await forgetFiles(tx, messageId);
  await previewAgain(tx, row, '');
  return presentMessage(row);
}

/** The list shows the newest message as it is now. */
async function previewAgain(tx: Tx, row: MessageRow, words: string): Promise<void> {
  if (row.private) return;
  await tx.execute(sql`
    update conversations set last_message_preview = ${words}, updated_at = ${tx.now}
    where id = ${row.conversation_id}::uuid and not exists (
      select 1 from messages where conversation_id = ${row.conversation_id}::uuid and ${since(row.conversation_id)}
        and seq > ${row.seq} and not private and author_type <> 'system')`);
}

/** Of one person per message there is one reaction at a time; `emoji` null takes it back. */
export async function react(
  tx: Tx,
  messageId: string,
  authorType: Author['type'],
  emoji: string | null,
): Promise<Message | undefined> {
  const added = emoji === null ? [] : [{ emoji, authorType }];
  const { rows } = await tx.execute<MessageRow>(sql`
    update messages set payload = jsonb_set(payload, '{reactions}',
      coalesce((select jsonb_agg(r) from jsonb_array_elements(coalesce(payload -> 'reactions', '[]')) r
        where r ->> 'authorType' <> ${authorType}), '[]') || ${storedJson(added)}::jsonb)
    where id = ${messageId}::uuid and deleted_at is null returning *`);
  return rows[0] && presentMessage(rows[0]);
}
