import { sql } from 'drizzle-orm';
import type { Message } from '@parley/contract';
import type { TurnInput } from '../engine/types.ts';
import { appendWith } from '../features/messages/commands.ts';
import { presentMessage } from '../features/messages/present.ts';
import type { MessageRow } from '../features/messages/present.ts';
import { since } from '../features/messages/queries.ts';
import { newId } from '../platform/data/ids.ts';
import { carried } from '../platform/telemetry/tracing.ts';
import type { Store } from '../platform/data/tenant.ts';
import type { Round } from './mailbox.ts';
import { hasNewIds, isMessage, isWorthStoring, lastInbound, receivedFacts, toNewMessage } from './store-events.ts';
import type { OpenConversation, StoredRound } from './store-events.ts';

// Foreign tables: contacts, messages. The hot path reads and writes in one statement.

/** What a turn has to know besides the bot. */
export type TurnContext = { contact: TurnInput['contact']; history: Message[] };

export const HISTORY = 10;

/** The contact, and the messages before what is in `fresh`, as two columns. */
export const contextColumns = (conversation: OpenConversation) => sql`
  (select to_json(p) from (select id, name, language from contacts where id = ${conversation.contactId}::uuid) p) as contact,
  (select json_agg(m order by m.seq) from (
    select * from messages where conversation_id = ${conversation.id}::uuid and ${since(conversation.id)} and not private
    order by seq desc limit ${HISTORY}) m) as history`;

type Columns = {
  turn: { id: string; attempts: number } | null;
  contact: TurnInput['contact'] | null;
  history: MessageRow[] | null;
};

/**
 * The usual case of `storeEvents` in one statement: words in an open conversation. Stores them, begins the turn and reads
 * what it has to know. Undefined when the case is not the usual one, or the statement was refused: then nothing is
 * written, and the long way finds out why.
 */
export async function storeQuickly(
  store: Store,
  round: Round,
): Promise<(StoredRound & { context: TurnContext }) | undefined> {
  const { conversation, interrupted, lease, key } = round;
  const events = round.events.filter(isMessage);
  const isUsual =
    conversation !== undefined &&
    conversation.status !== 'snoozed' &&
    !interrupted &&
    events.length === round.events.length &&
    events.every(
      (said) =>
        isWorthStoring(said) &&
        !said.event.attachmentIds?.length &&
        !said.event.unsupported &&
        said.event.replyToMessageId === undefined &&
        !hasNewIds(said.event.sender) &&
        said.event.action !== 'end',
    );
  if (!isUsual) return undefined;
  const target = { workspaceId: key.workspaceId, conversationId: conversation.id };
  const { appended, columns } = await appendWith<Columns>(
    store,
    target,
    events.map((event) => toNewMessage(event)),
    {
      guard: { open: true, lease },
      changes: lastInbound(events),
      facts: receivedFacts(target, events),
      also: {
        steps: sql`, begun as (
          insert into turns (id, workspace_id, conversation_id, thread_id, bot_id, last_event_seq, lease_token, status, request_id)
          select ${newId()}::uuid, ${key.workspaceId}::uuid, m.id, m.thread_id, ${conversation.botId}::uuid,
            ${events.at(-1)?.seq ?? 0}::bigint, ${lease.token}::bigint, 'running', ${carried() ?? null}::text
          from moved m where m.status = 'bot' returning id, attempts)`,
        columns: sql`(select to_json(begun) from begun) as turn, ${contextColumns(conversation)}`,
      },
    },
  );
  if (appended.outcome !== 'stored' || !columns) return undefined;
  return {
    conversation: { ...conversation, status: appended.status },
    isNew: false,
    messages: appended.messages,
    changed: [],
    action: events.findLast(({ event }) => event.action !== undefined)?.event.action,
    changes: [],
    turn: columns.turn ?? undefined,
    context: {
      contact: columns.contact ?? { id: conversation.contactId, name: '', language: null },
      history: (columns.history ?? []).map(presentMessage),
    },
  };
}
