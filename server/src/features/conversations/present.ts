import { REOPEN_DAYS } from '@parley/contract';
import type {
  Attachment,
  Author,
  ChannelName,
  Conversation,
  ConversationStatus,
  InboxSettings,
  Priority,
} from '@parley/contract';
import { preview } from '../messages/commands.ts';
import { iso, isoOrNull } from '../messages/present.ts';
import { windowOf } from './window.ts';

/** A conversation with what its list row shows, as `queries.ts` selects it. */
export type ConversationRow = {
  id: string;
  status: ConversationStatus;
  inbox_id: string;
  inbox_name: string;
  inbox_channel: ChannelName;
  inbox_deleted: boolean;
  inbox_settings: Partial<InboxSettings>;
  contact_id: string;
  contact_name: string;
  contact_email: string | null;
  contact_tier: string;
  bot_id: string | null;
  assignee_id: string | null;
  assignee_name: string | null;
  priority: Priority;
  labels: string[];
  last_seq: number | string;
  last_message_at: Date | string;
  last_message_preview: string;
  last_message_author: Author['type'];
  asked: { text: string; attachments: Attachment[] } | null;
  send_failed: boolean | null;
  unread_count: number;
  handoff_id: string | null;
  handoff_reason: string | null;
  handoff_detail: string | null;
  waiting_since: Date | string | null;
  last_inbound_at: Date | string | null;
  snoozed_until: Date | string | null;
  resolved_at: Date | string | null;
  created_at: Date | string;
};

const DAY_MS = 86_400_000;

/** Until when a message of the customer reopens it, ISO 8601; null for an open one, and where a message never does. */
export function reopenUntil(
  status: ConversationStatus,
  resolvedAt: Date | string | null,
  { reopenDays = REOPEN_DAYS }: Partial<InboxSettings>,
): string | null {
  if (status !== 'resolved' || resolvedAt === null || reopenDays === 0) return null;
  return new Date(new Date(resolvedAt).getTime() + reopenDays * DAY_MS).toISOString();
}

/** `now` decides whether its window is open. */
export const presentConversation = (row: ConversationRow, now: Date): Conversation => ({
  id: row.id,
  status: row.status,
  inbox: { id: row.inbox_id, name: row.inbox_name, channel: row.inbox_channel, deleted: row.inbox_deleted },
  contact: { id: row.contact_id, name: row.contact_name, email: row.contact_email, tier: row.contact_tier },
  botId: row.bot_id,
  assignee: row.assignee_id ? { id: row.assignee_id, name: row.assignee_name ?? 'A former colleague' } : null,
  priority: row.priority,
  labels: row.labels,
  lastSeq: Number(row.last_seq),
  lastMessageAt: iso(row.last_message_at),
  lastMessagePreview: row.last_message_preview,
  lastMessageAuthor: row.last_message_author,
  lastCustomerPreview:
    row.last_message_author === 'contact'
      ? row.last_message_preview
      : row.asked
        ? preview(row.asked.text, row.asked.attachments)
        : '',
  sendFailed: row.send_failed ?? false,
  unreadCount: row.unread_count,
  handoff:
    row.handoff_id && row.handoff_reason && row.waiting_since
      ? {
          id: row.handoff_id,
          reason: row.handoff_reason,
          reasonDetail: row.handoff_detail,
          waitingSince: iso(row.waiting_since),
        }
      : null,
  window: windowOf(row.inbox_channel, row.last_inbound_at, now),
  snoozedUntil: isoOrNull(row.snoozed_until),
  resolvedAt: isoOrNull(row.resolved_at),
  reopenUntil: row.inbox_deleted ? null : reopenUntil(row.status, row.resolved_at, row.inbox_settings),
  createdAt: iso(row.created_at),
});
