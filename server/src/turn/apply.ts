import { sql } from 'drizzle-orm';
import type { Message } from '@parley/contract';
import type { Inbound } from '../channels/contract.ts';
import { moveIdentity, setReachable } from '../features/contacts/commands.ts';
import { edit, react, remove } from '../features/messages/amend.ts';
import { findByPlatformId } from '../features/messages/commands.ts';
import { since } from '../features/messages/queries.ts';
import type { Tx } from '../platform/data/tenant.ts';
import { findAlbum, textAfterEdit } from './album.ts';
import { applyReceipt, applyWatermark, hurryDeliveries, moveThread } from './deliveries.ts';
import { isAmendment, keepEarly, takeEarly } from './early.ts';
import type { Amendment } from './early.ts';
import type { PendingEvent } from './threads.ts';

// Foreign tables: messages. Whether an edited message is the last one.

type Inbox = { workspaceId: string; id: string };
export type Applied = {
  /** messages that were there already, as they are now */
  updated: Message[];
  /** of those, the ones whose author said something else instead */
  reworded: Message[];
};
const nothing: Applied = { updated: [], reworded: [] };
const only = (message: Message | undefined): Applied => ({ updated: message ? [message] : [], reworded: [] });

/** Which message of the thread the platform means; an item of an album is a part of one. */
export async function findMessage(
  tx: Tx,
  inboxId: string,
  threadId: string,
  platformId: string,
): Promise<string | undefined> {
  return (await findByPlatformId(tx, threadId, platformId)) ?? (await findAlbum(tx, inboxId, { item: platformId }));
}

/** What is no message: an edit, a receipt, what became of a person. */
export async function applyEvent(
  tx: Tx,
  inbox: Inbox,
  threadId: string,
  { event, ...pending }: Omit<PendingEvent, 'event'> & { event: Exclude<Inbound, { kind: 'message' | 'echo' }> },
): Promise<Applied> {
  if (isAmendment(event)) {
    const messageId = await findMessage(tx, inbox.id, threadId, event.messageId);
    if (messageId) return amend(tx, messageId, event);
    await keepEarly(tx, inbox, { ...pending, event });
    return nothing;
  }
  switch (event.kind) {
    case 'reachability':
      await setReachable(tx, inbox.id, event.sender.externalId, event.reachable);
      if (!event.reachable) await hurryDeliveries(tx, threadId);
      return nothing;
    case 'moved':
      await moveThread(tx, threadId, event.toThreadKey);
      return nothing;
    case 'identity':
      await moveIdentity(tx, inbox.id, event.previousId, event.sender.externalId);
      return nothing;
    case 'status':
      return { updated: await applyReceipt(tx, threadId, event), reworded: [] };
    case 'watermark':
      return { updated: await applyWatermark(tx, threadId, event), reworded: [] };
  }
}

async function amend(tx: Tx, messageId: string, event: Amendment): Promise<Applied> {
  if (event.kind === 'delete') return only(await remove(tx, messageId));
  if (event.kind === 'reaction') return only(await react(tx, messageId, 'contact', event.emoji));
  const edited = await edit(tx, messageId, {
    text: await textAfterEdit(tx, messageId, { item: event.messageId, text: event.text }),
    at: event.at,
  });
  if (!edited) return nothing;
  const { message, changed } = edited;
  return { updated: [message], reworded: changed && message.author.type === 'contact' ? [message] : [] };
}

/** What came before the messages it is about, now that they are here. */
export async function applyEarly(tx: Tx, inbox: Inbox, threadId: string, platformIds: string[]): Promise<Applied> {
  const applied: Applied = { updated: [], reworded: [] };
  for (const event of await takeEarly(tx, inbox.id, platformIds)) {
    const messageId = await findMessage(tx, inbox.id, threadId, event.messageId);
    if (!messageId) continue;
    const { updated, reworded } = await amend(tx, messageId, event);
    applied.updated.push(...updated);
    applied.reworded.push(...reworded);
  }
  return applied;
}

const lettersOf = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

/**
 * Whether a customer who edits a message is answered again: it says something else in letters or digits, and nobody has
 * written since but the bot.
 */
export async function asksAgain(tx: Tx, conversationId: string, reworded: Message[]): Promise<Message[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    select id from messages where conversation_id = ${conversationId}::uuid and ${since(conversationId)} and not private
      and author_type in ('contact', 'agent') order by seq desc limit 1`);
  return reworded
    .filter(({ id, text, earlier }) => id === rows[0]?.id && lettersOf(text) !== lettersOf(earlier.at(-1)?.text ?? ''))
    .slice(-1);
}
