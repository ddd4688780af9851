import { sql } from 'drizzle-orm';
import type { Message } from '@parley/contract';
import { phrase } from '../engine/phrases.ts';
import type { Outcome } from '../engine/types.ts';
import { requestHandoff } from '../features/handoffs/commands.ts';
import { placeInQueue } from '../features/handoffs/queries.ts';
import { append } from '../features/messages/commands.ts';
import type { Tx } from '../platform/data/tenant.ts';
import type { Lease } from './lease.ts';

// Foreign tables: bots, conversations. The hot path reads and writes in one statement.

/**
 * Bot → queue: the conversation waits, and the customer is told so with their place, in every channel and in one
 * transaction. Undefined when the guard failed: a human has it already, or the lease is lost.
 */
export async function requestHandoffWithClosing(
  tx: Tx,
  target: { workspaceId: string; conversationId: string },
  outcome: Outcome,
  how: { lease: Lease; turnId?: string; ordinal?: number; language: string; deliver: boolean; saidFirst?: string },
): Promise<{ handoffId: string; messages: Message[] } | undefined> {
  if (!outcome.handoff) return undefined;
  const requested = await requestHandoff(tx, target, outcome.handoff, { lease: how.lease });
  if (!requested) return undefined;
  const messages = [requested.message];
  if (outcome.closing !== null) {
    // Our own widget shows the place by itself, and keeps it up to date.
    const place = how.deliver ? await placeInQueue(tx, target.conversationId) : undefined;
    const text = [
      how.saidFirst,
      outcome.closing ?? phrase(how.language, 'handoff'),
      place
        ? phrase(how.language, 'handoffPlace', {
            position: place.position,
            minutes: Math.max(1, Math.round((place.expectedWaitSeconds ?? 60) / 60)),
          })
        : undefined,
    ];
    const { rows } = await tx.execute<{ id: string | null; name: string | null }>(sql`
      select b.id, b.name from conversations c left join bots b on b.id = c.bot_id where c.id = ${target.conversationId}::uuid`);
    const told = await append(tx, target, [
      {
        author: { type: 'bot', id: rows[0]?.id ?? null, name: rows[0]?.name ?? null },
        text: text.filter((part) => part !== undefined).join(' '),
        turnId: how.turnId,
        ordinal: how.ordinal,
        deliver: how.deliver,
      },
    ]);
    if (told.outcome === 'stored') messages.push(...told.messages);
  }
  return { handoffId: requested.handoffId, messages };
}
