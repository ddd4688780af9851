import type { Conversation } from '@parley/contract';

export const idOf = (number: number) => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`;

/** Conversation `number`, whose last message came that many minutes after midnight. */
export const conversationAt = (number: number, changes: Partial<Conversation> = {}): Conversation => ({
  id: idOf(number),
  status: 'agent',
  inbox: { id: idOf(9001), name: 'Website', channel: 'web', deleted: false },
  contact: { id: idOf(8000 + number), name: `Customer ${number}`, email: null, tier: 'standard' },
  botId: null,
  assignee: null,
  priority: 'normal',
  labels: [],
  lastSeq: 4,
  lastMessageAt: new Date(Date.UTC(2026, 0, 1, 0, number)).toISOString(),
  lastMessagePreview: 'Let me look that up.',
  lastMessageAuthor: 'agent',
  lastCustomerPreview: 'Where is my parcel?',
  sendFailed: false,
  unreadCount: 0,
  handoff: null,
  window: null,
  snoozedUntil: null,
  resolvedAt: null,
  reopenUntil: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  ...changes,
});
