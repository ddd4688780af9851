import { bigint, boolean, integer, jsonb, pgTable, smallint, text, uuid } from 'drizzle-orm/pg-core';
import type {
  Attachment,
  Author,
  Choice,
  Citation,
  ConversationStatus,
  MessageContentType,
  MessageStatus,
  Priority,
  Reaction,
} from '@parley/contract';
import { createdAt, deletedAt, id, moment, updatedAt, workspaceId } from './columns.ts';

export const conversations = pgTable('conversations', {
  id: id(),
  workspaceId: workspaceId(),
  inboxId: uuid('inbox_id').notNull(),
  threadId: uuid('thread_id').notNull(),
  contactId: uuid('contact_id').notNull(),
  botId: uuid('bot_id'),
  status: text('status').$type<ConversationStatus>().notNull(),
  assigneeId: uuid('assignee_id'),
  priority: text('priority').$type<Priority>().notNull().default('normal'),
  labels: text('labels').array().notNull().default([]),
  lastSeq: bigint('last_seq', { mode: 'number' }).notNull().default(0),
  /** no message of it has a smaller id */
  messagesFrom: uuid('messages_from'),
  lastMessageAt: moment('last_message_at').notNull().defaultNow(),
  lastMessagePreview: text('last_message_preview').notNull().default(''),
  lastMessageAuthor: text('last_message_author').$type<Author['type']>().notNull().default('contact'),
  unreadCount: integer('unread_count').notNull().default(0),
  firstResponseAt: moment('first_response_at'),
  snoozedUntil: moment('snoozed_until'),
  statusBeforeSnooze: text('status_before_snooze').$type<ConversationStatus>(),
  resolvedAt: moment('resolved_at'),
  lastInboundAt: moment('last_inbound_at'),
  lastInboundId: text('last_inbound_id'),
  /** ISO 639-1, of the customer's words so far; null before anything was said */
  language: text('language'),
  /** questions in a row the bot had no answer to */
  misses: smallint('misses').notNull().default(0),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

/** One of several messages the platform shows as one: its id, the event it came with, its words. */
export type AlbumItem = { messageId: string; eventId: string; text: string };

/** What a message carries besides text and files. */
export type MessagePayload = {
  replyToId?: string;
  reactions?: Reaction[];
  failure?: { code: string; retryable: boolean };
  retries?: number;
  /** sent in place of words */
  template?: { name: string; language: string; variables: Record<string, string> };
  details?: Record<string, unknown>;
  choices?: Choice[];
  unsupported?: { kind: string; code: string; reason: string };
  location?: { latitude: number; longitude: number; name?: string };
  /** by the platform's clock, where it reached us later */
  sentAt?: string;
  /** files that are not here */
  missing?: { name: string; state: 'pending' | 'failed'; reason: string }[];
  /** messages of the platform that are this one */
  album?: AlbumItem[];
  /** what it answers, where that is no message of ours, or a part of one */
  quote?: { text: string; author: 'contact' | 'bot' | 'agent' | null };
  /** before it was edited, oldest first */
  earlier?: { text: string; until: string }[];
  event?: string;
  detail?: Record<string, unknown>;
};

export const messages = pgTable('messages', {
  id: id(),
  workspaceId: workspaceId(),
  conversationId: uuid('conversation_id').notNull(),
  seq: bigint('seq', { mode: 'number' }).notNull(),
  authorType: text('author_type').$type<Author['type']>().notNull(),
  authorId: uuid('author_id'),
  authorName: text('author_name'),
  type: text('type').$type<MessageContentType>().notNull().default('text'),
  text: text('text').notNull().default(''),
  payload: jsonb('payload').$type<MessagePayload>().notNull().default({}),
  attachments: jsonb('attachments').$type<Attachment[]>().notNull().default([]),
  citations: jsonb('citations').$type<Citation[]>().notNull().default([]),
  private: boolean('private').notNull().default(false),
  status: text('status').$type<MessageStatus>().notNull().default('sent'),
  error: text('error'),
  turnId: uuid('turn_id'),
  ordinal: integer('ordinal'),
  clientId: text('client_id'),
  platformId: text('platform_id'),
  createdAt: createdAt(),
  editedAt: moment('edited_at'),
  deletedAt: deletedAt(),
});
