import { blankMessage, type ThreadMessage } from '../features/conversations/messageCache.ts';

/** A customer's stored message, with what a test is about. */
export const message = (changes: Partial<ThreadMessage> = {}): ThreadMessage => ({
  ...blankMessage,
  id: 'm1',
  conversationId: 'c1',
  seq: 1,
  author: { type: 'contact', id: null, name: 'Maria' },
  text: 'text',
  status: 'sent',
  createdAt: '2026-11-20T10:00:00Z',
  ...changes,
});
