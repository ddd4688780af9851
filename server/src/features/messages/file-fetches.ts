import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { Attachment, Message } from '@parley/contract';
import type { MediaReference } from '../../channels/contract.ts';
import { newId } from '../../platform/data/ids.ts';
import { storedJson } from '../../platform/data/stored-json.ts';
import type { Store, Tx } from '../../platform/data/tenant.ts';
import { presentMessage } from './present.ts';
import type { MessageRow } from './present.ts';

// Real time (7): leases and tries.

/** A fetch that was begun in a process that died is begun again after this. */
const LEASE_SECONDS = 120;
/** An agent's own retry. */
const AGAIN_HOURS = 24;

const inHours = (hours: number): SQL => sql`now() + make_interval(hours => ${hours})`;

/** Files of a message that lie at its platform, for so many hours. Known ones, by their place in the message, are left alone. */
export async function noteFiles(
  tx: Tx,
  of: { workspaceId: string; conversationId: string; messageId: string; hours: number },
  media: MediaReference[],
  from = 0,
): Promise<void> {
  if (media.length === 0) return;
  const rows = media.map((item, index) => ({ id: newId(), position: from + index, media: item }));
  await tx.execute(sql`
    insert into file_fetches (id, workspace_id, conversation_id, message_id, position, media, until)
    select f.id, ${of.workspaceId}::uuid, ${of.conversationId}::uuid, ${of.messageId}::uuid, f.position, f.media, ${inHours(of.hours)}
    from jsonb_to_recordset(${storedJson(rows)}::jsonb) as f(id uuid, position int, media jsonb)
    on conflict (message_id, position) do nothing`);
}

export type ClaimedFile = {
  id: string;
  conversationId: string;
  media: unknown;
  attempts: number;
  /** the platform keeps it for some time yet */
  isKept: boolean;
};

/** The next file of the message that is due, if nobody else has it. */
export async function claimFile(
  store: Store,
  workspaceId: string,
  messageId: string,
): Promise<ClaimedFile | undefined> {
  const [row] = await store.once<{
    id: string;
    conversation_id: string;
    media: unknown;
    attempts: number;
    is_kept: boolean;
  }>(
    workspaceId,
    sql`update file_fetches f set attempts = f.attempts + 1, lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
        where f.id = (select id from file_fetches where message_id = ${messageId}::uuid and state = 'pending'
            and next_attempt_at <= now() and (lease_until is null or lease_until < now())
          order by position limit 1 for update skip locked)
        returning f.id, f.conversation_id, f.media, f.attempts, f.until > now() as is_kept`,
  );
  return (
    row && {
      id: row.id,
      conversationId: row.conversation_id,
      media: row.media,
      attempts: row.attempts,
      isKept: row.is_kept,
    }
  );
}

export type FileOutcome =
  | { state: 'stored'; attachment: Attachment }
  | { state: 'failed'; reason: string }
  | { state: 'pending'; reason: string; afterMs: number };

/** What became of a try, on the file and on its message. Undefined when the message is gone. */
export async function settleFile(
  tx: Tx,
  messageId: string,
  id: string,
  outcome: FileOutcome,
): Promise<Message | undefined> {
  const after = outcome.state === 'pending' ? outcome.afterMs : 0;
  await tx.execute(sql`
    update file_fetches set state = ${outcome.state}, lease_until = null, next_attempt_at = now() + make_interval(secs => ${after / 1_000}),
      attachment = ${outcome.state === 'stored' ? storedJson(outcome.attachment) : null}::jsonb,
      error = ${outcome.state === 'stored' ? null : outcome.reason}::text
    where id = ${id}::uuid`);
  return showFiles(tx, messageId);
}

/** The message with the files that are here, in their order, and the names of those that are not. */
async function showFiles(tx: Tx, messageId: string): Promise<Message | undefined> {
  const { rows } = await tx.execute<MessageRow>(sql`
    with shown as (
      select coalesce(jsonb_agg(attachment order by position) filter (where state = 'stored'), '[]') as here,
        coalesce(jsonb_agg(jsonb_build_object('name', coalesce(media ->> 'name', media ->> 'kind'), 'state', state, 'reason', error)
          order by position) filter (where state <> 'stored' and error is not null), '[]') as missing
      from file_fetches where message_id = ${messageId}::uuid
    )
    update messages m set attachments = shown.here, payload = m.payload || jsonb_build_object('missing', shown.missing),
      error = (select 'A file could not be fetched from the platform: ' || string_agg(f ->> 'name', ', ') || '.'
        from jsonb_array_elements(shown.missing) f)
    from shown where m.id = ${messageId}::uuid and m.deleted_at is null returning m.*`);
  return rows[0] && presentMessage(rows[0]);
}

/** Files that were given up are tried again, whatever the platform said before. Undefined when there is none. */
export async function retryFiles(tx: Tx, messageId: string): Promise<Message | undefined> {
  const { rows } = await tx.execute(sql`
    update file_fetches set state = 'pending', attempts = 0, next_attempt_at = now(), lease_until = null, until = ${inHours(AGAIN_HOURS)}
    where message_id = ${messageId}::uuid and state = 'failed' returning id`);
  return rows.length > 0 ? showFiles(tx, messageId) : undefined;
}

/** With a message its files are no longer looked for. */
export async function forgetFiles(tx: Tx, messageId: string): Promise<void> {
  await tx.execute(sql`delete from file_fetches where message_id = ${messageId}::uuid`);
}
