import { describe, expect, it } from 'vitest';
import { message as messageOf } from '../../test/message.ts';
import type { ThreadMessage } from './messageCache.ts';
import { layOut, quotedIn } from './thread.ts';

const at = (minute: number, second = 0) => new Date(2026, 10, 20, 10, minute, second).toISOString();
let seq = 0;
const message = (
  type: ThreadMessage['author']['type'],
  createdAt: string,
  changes: Partial<ThreadMessage> = {},
): ThreadMessage => {
  seq += 1;
  return messageOf({ id: `m${seq}`, seq, author: { type, id: `${type}-1`, name: type }, createdAt, ...changes });
};
const shape = (messages: ThreadMessage[]) =>
  layOut(messages).map((item) => (item.kind === 'group' ? `${item.side}×${item.messages.length}` : item.kind));

describe('layOut', () => {
  it('never joins a note with a reply: what is private stays apart', () => {
    expect(
      shape([message('agent', at(0)), message('agent', at(0, 5), { private: true }), message('agent', at(0, 9))]),
    ).toEqual(['day', 'agent×1', 'note×1', 'agent×1']);
  });

  it('joins one sender within a minute', () => {
    expect(shape([message('contact', at(0)), message('contact', at(0, 40)), message('contact', at(3))])).toEqual([
      'day',
      'contact×2',
      'contact×1',
    ]);
  });

  it('keeps two agents apart', () => {
    const other = { author: { type: 'agent' as const, id: 'agent-2', name: 'Anna' } };
    expect(shape([message('agent', at(0)), message('agent', at(0, 1), other)])).toEqual(['day', 'agent×1', 'agent×1']);
  });

  it('shows a turn of the bot as one block however long it took, and two turns as two', () => {
    const [one, two] = [{ turnId: 't1' }, { turnId: 't2' }];
    expect(shape([message('bot', at(0), one), message('bot', at(4), one), message('bot', at(4, 1), two)])).toEqual([
      'day',
      'bot×2',
      'bot×1',
    ]);
  });

  it('draws a line where the day changes and a system event on its own', () => {
    const yesterday = new Date(2026, 10, 19, 23, 59, 50).toISOString();
    expect(shape([message('contact', yesterday), message('system', at(0)), message('contact', at(0, 2))])).toEqual([
      'day',
      'contact×1',
      'day',
      'event',
      'contact×1',
    ]);
  });
});

describe('quotedIn', () => {
  const known = messageOf({ id: 'known' });
  const deleted = messageOf({ id: 'gone', deletedAt: at(1), text: 'the secret' });
  const thread = { messages: [known, deleted], olderCursor: 'more' };

  it('shows nothing of a deleted message, nor of one that is in no page any more', () => {
    expect(quotedIn(thread, 'gone')).toBe('deleted');
    expect(quotedIn({ ...thread, olderCursor: null }, 'other')).toBe('deleted');
  });

  it('finds what is loaded and knows what may be further up', () => {
    expect(quotedIn(thread, 'known')).toBe(known);
    expect(quotedIn(thread, 'other')).toBe('older');
  });
});
