import type { Message } from '@parley/contract';
import { describe, expect, it } from 'vitest';
import { message as messageOf } from '../../test/message.ts';
import { emptyThread, hasGap, lastSeq, localId, merge, type ThreadMessage, withoutLocal } from './messageCache.ts';

const message = (seq: number, changes: Partial<ThreadMessage> = {}) => messageOf({ id: `m${seq}`, seq, ...changes });

describe('message cache', () => {
  it('shows a repeated event once', () => {
    expect(merge(merge(emptyThread, [message(1)]), [message(1)]).messages).toHaveLength(1);
  });

  it('keeps the order of the conversation when events arrive out of order', () => {
    expect(merge(merge(emptyThread, [message(3)]), [message(1), message(2)]).messages.map(({ seq }) => seq)).toEqual([
      1, 2, 3,
    ]);
  });

  it('never moves a delivery status back', () => {
    const thread = merge(merge(emptyThread, [message(1, { status: 'read' })]), [message(1, { status: 'delivered' })]);
    expect(thread.messages[0]?.status).toBe('read' satisfies Message['status']);
  });

  it('replaces a message sent from here by its stored form', () => {
    const local = message(Number.MAX_SAFE_INTEGER, { id: localId('abc'), clientId: 'abc', local: 'sending' });
    const thread = merge(merge(emptyThread, [message(1), local]), [message(2, { clientId: 'abc' })]);
    expect(thread.messages.map(({ id }) => id)).toEqual(['m1', 'm2']);
  });

  it('sees a gap, and counts no message that is still on its way', () => {
    const local = message(Number.MAX_SAFE_INTEGER, { id: localId('abc'), clientId: 'abc', local: 'sending' });
    const thread = merge(emptyThread, [message(1), message(2), local]);
    expect(lastSeq(thread)).toBe(2);
    expect(hasGap(thread, 3)).toBe(false);
    expect(hasGap(thread, 4)).toBe(true);
    expect(withoutLocal(thread, 'abc').messages).toHaveLength(2);
  });
});
