import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { Message } from '@parley/contract';
import { notFound } from '../../platform/errors.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import { presentMessage } from './present.ts';
import type { MessageRow } from './present.ts';

// Foreign tables: conversations. A row and what it shows come in one statement.

/**
 * Condition on `id`: not older than the conversation. Messages lie in a partition for each month, and only the months
 * the conversation lived in are read (see `messages_from`).
 */
export const since = (conversationId: string): SQL =>
  sql`id >= (select messages_from from conversations where id = ${conversationId}::uuid)`;

export const newestFirst = (conversationId: string, limit: number, before?: number): SQL => sql`
  select * from messages where conversation_id = ${conversationId}::uuid and ${since(conversationId)}
    and ${before === undefined ? sql`true` : sql`seq < ${before}`}
  order by seq desc limit ${limit}`;

export const oldestFirst = (conversationId: string, seq: number, limit: number): SQL => sql`
  select * from messages where conversation_id = ${conversationId}::uuid and ${since(conversationId)} and seq > ${seq}
  order by seq limit ${limit}`;

/** The newest `limit` messages before `before` (a seq), oldest first. */
export async function latest(tx: Tx, conversationId: string, limit: number, before?: number): Promise<Message[]> {
  const { rows } = await tx.execute<MessageRow>(newestFirst(conversationId, limit, before));
  return rows.reverse().map(presentMessage);
}

/** What came after a known seq, oldest first. */
export async function after(tx: Tx, conversationId: string, seq: number, limit: number): Promise<Message[]> {
  const { rows } = await tx.execute<MessageRow>(oldestFirst(conversationId, seq, limit));
  return rows.map(presentMessage);
}

/** What an agent sent under this id; the customer's ids are others, even when they look alike. */
export async function byAgentsClientId(tx: Tx, conversationId: string, clientId: string): Promise<Message | undefined> {
  const { rows } = await tx.execute<MessageRow>(sql`
    select * from messages where conversation_id = ${conversationId}::uuid and ${since(conversationId)} and author_type = 'agent'
      and client_id = ${clientId}`);
  return rows[0] && presentMessage(rows[0]);
}

/** Paragraphs of a turn that went out before it was interrupted. */
export async function ofTurn(tx: Tx, conversationId: string, turnId: string): Promise<Message[]> {
  const { rows } = await tx.execute<MessageRow>(
    sql`select * from messages where turn_id = ${turnId}::uuid and ${since(conversationId)} order by ordinal`,
  );
  return rows.map(presentMessage);
}

/** @throws not-found unless the conversation has it */
export async function assertMessageOf(tx: Tx, conversationId: string, id: string): Promise<void> {
  const message = await findMessage(tx, id);
  if (message?.conversationId !== conversationId) throw notFound('The message');
}

/** Undefined for one that is not there, or of another workspace. */
export async function findMessage(tx: Tx, id: string): Promise<Message | undefined> {
  const { rows } = await tx.execute<MessageRow>(sql`select * from messages where id = ${id}::uuid`);
  return rows[0] && presentMessage(rows[0]);
}
