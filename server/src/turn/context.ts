import { sql } from 'drizzle-orm';
import type { Message } from '@parley/contract';
import type { TurnInput } from '../engine/types.ts';
import { since } from '../features/messages/queries.ts';
import type { OpenConversation } from './threads.ts';

// Foreign tables: contacts, conversations, messages. The hot path reads in one statement.

/** What a turn has to know besides the bot. */
export type TurnContext = {
  contact: TurnInput['contact'];
  history: Message[];
  /** of the conversation, before this turn */
  own: { language: string | null; misses: number };
};
export const nothingSaid: TurnContext['own'] = { language: null, misses: 0 };

export const HISTORY = 10;

/** The contact, what is known of the conversation, and the messages before these, as columns. */
export const contextColumns = (conversation: OpenConversation) => sql`
  (select to_json(p) from (select id, name, language from contacts where id = ${conversation.contactId}::uuid) p) as contact,
  (select to_json(c) from (select language, misses from conversations where id = ${conversation.id}::uuid) c) as own,
  (select json_agg(m order by m.seq) from (
    select * from messages where conversation_id = ${conversation.id}::uuid and ${since(conversation.id)} and not private
    order by seq desc limit ${HISTORY}) m) as history`;
