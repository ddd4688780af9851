import type { Inbox } from '@parley/contract';
import { channels, isLive } from '../../channels/registry.ts';
import type { inboxes } from '../../db/schema/index.ts';
import { fullSettings } from './settings.ts';

export type InboxRow = typeof inboxes.$inferSelect;

/** Where the platform is to send its events; null for channels without a webhook. */
export const webhookUrlOf = (publicUrl: string, inbox: Pick<InboxRow, 'channel' | 'token'>): string | null =>
  channels[inbox.channel].intake?.kind === 'webhook' ? `${publicUrl}/webhooks/${inbox.channel}/${inbox.token}` : null;

/** Credentials are not among the fields, and so never leave. */
export const presentInbox = (row: InboxRow, publicUrl: string): Inbox => ({
  id: row.id,
  name: row.name,
  channel: row.channel,
  botId: row.botId,
  token: row.token,
  webhookUrl: webhookUrlOf(publicUrl, row),
  chatUrl: isLive(row.channel) ? `${publicUrl}/chat/${row.token}` : null,
  settings: fullSettings(row.name, row.settings),
  status: row.status,
  statusDetail: row.statusDetail,
  lastEventAt: row.lastEventAt?.toISOString() ?? null,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});
