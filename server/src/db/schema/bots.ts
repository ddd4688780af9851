import { boolean, jsonb, pgTable, real, smallint, text, uuid } from 'drizzle-orm/pg-core';
import type {
  BotTexts,
  ChannelName,
  ChannelTemplate,
  Inbox,
  ReplyUnknown,
  Trace,
  InboxSettings,
} from '@parley/contract';
import { createdAt, deletedAt, id, moment, updatedAt, workspaceId } from './columns.ts';

export const bots = pgTable('bots', {
  id: id(),
  workspaceId: workspaceId(),
  name: text('name').notNull(),
  model: text('model').notNull(),
  temperature: real('temperature').notNull(),
  systemPrompt: text('system_prompt').notNull(),
  greeting: text('greeting').notNull(),
  suggestedQuestions: text('suggested_questions').array().notNull(),
  handoffEnabled: boolean('handoff_enabled').notNull(),
  handoffThreshold: real('handoff_threshold').notNull(),
  missesBeforeHandoff: smallint('misses_before_handoff'),
  answersWhileWaiting: boolean('answers_while_waiting').notNull(),
  typeReplyUnknown: text('type_reply_unknown').$type<ReplyUnknown>().notNull(),
  unknownAnswer: text('unknown_answer').notNull(),
  texts: jsonb('texts').$type<BotTexts>().notNull(),
  languages: text('languages').array().notNull(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
  deletedAt: deletedAt(),
});

export const inboxes = pgTable('inboxes', {
  id: id(),
  workspaceId: workspaceId(),
  name: text('name').notNull(),
  channel: text('channel').$type<ChannelName>().notNull(),
  botId: uuid('bot_id'),
  token: text('token').notNull(),
  /** encrypted JSON (platform/security/crypto.ts) */
  credentials: text('credentials'),
  settings: jsonb('settings').$type<Partial<InboxSettings>>().notNull().default({}),
  status: text('status').$type<Inbox['status']>().notNull().default('connected'),
  statusDetail: text('status_detail'),
  /** how the platform names the account behind the credentials */
  externalId: text('external_id'),
  templates: jsonb('templates').$type<ChannelTemplate[]>().notNull().default([]),
  templatesSyncedAt: moment('templates_synced_at'),
  lastEventAt: moment('last_event_at'),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
  deletedAt: deletedAt(),
});

/** The flight recorder's record: the contract's Trace without what the row itself tells. */
export type TraceRecord = Omit<Trace, 'id' | 'botId' | 'conversationId' | 'turnId' | 'question' | 'createdAt'>;

export const traces = pgTable('traces', {
  id: id(),
  workspaceId: workspaceId(),
  botId: uuid('bot_id'),
  conversationId: uuid('conversation_id'),
  turnId: uuid('turn_id'),
  question: text('question').notNull(),
  record: jsonb('record').$type<TraceRecord>().notNull(),
  createdAt: createdAt(),
});
