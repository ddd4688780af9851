import { sql } from 'drizzle-orm';
import type { Message } from '@parley/contract';
import type { Inbound } from '../channels/contract.ts';
import { receiptId } from '../channels/inbound.ts';
import type { Tx } from '../platform/data/tenant.ts';
import { applyReceipt } from './store-events.ts';

const STATUSES = ['sent', 'delivered', 'read', 'failed'];

/** Applies what was said of a message before it was known under that id; looked up by the dedupe keys of receipts. */
export async function receiptsBefore(
  tx: Tx,
  of: { inboxId: string; threadId: string; platformId: string },
): Promise<Message[]> {
  const ids = STATUSES.map((status) => receiptId(of.platformId, status));
  const { rows } = await tx.execute<{ payload: Inbound }>(sql`
    select e.payload from inbound_ids i join inbound_events e on e.id = i.event_id
    where i.inbox_id = ${of.inboxId}::uuid and i.platform_id = any(${sql.param(ids)}::text[]) order by e.seq`);
  const messages: Message[] = [];
  for (const { payload } of rows) {
    if (payload.kind === 'status') messages.push(...(await applyReceipt(tx, of.threadId, payload)));
  }
  return messages.slice(-1);
}
