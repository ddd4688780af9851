import type { ConversationStatus } from '@parley/contract';

export const statusTone = (status: ConversationStatus) =>
  (({ bot: 'ai', waiting: 'warn', agent: 'info', snoozed: 'neutral', resolved: 'ok' }) as const)[status];
