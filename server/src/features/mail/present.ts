import type { MailItem } from '@parley/contract';
import type { MailRow } from './table.ts';

export const presentMail = (row: MailRow, message: MailItem['message']): MailItem => ({
  id: row.id,
  template: row.template,
  to: row.recipient,
  language: row.language,
  state: row.state,
  tries: row.tries,
  error: row.error,
  detail: row.detail,
  createdAt: row.createdAt.toISOString(),
  nextAttemptAt: row.state === 'waiting' ? row.nextAttemptAt.toISOString() : null,
  finishedAt: row.finishedAt?.toISOString() ?? null,
  expiresAt: row.expiresAt.toISOString(),
  message,
});
