import { pgTable, smallint, text, uuid } from 'drizzle-orm/pg-core';
import type { HandoffReason, Priority } from '@parley/contract';
import { id, moment, workspaceId } from './columns.ts';

export const handoffs = pgTable('handoffs', {
  id: id(),
  workspaceId: workspaceId(),
  conversationId: uuid('conversation_id').notNull(),
  reason: text('reason').$type<HandoffReason>().notNull(),
  reasonDetail: text('reason_detail'),
  priority: text('priority').$type<Priority>().notNull().default('normal'),
  /** 0 high, 1 normal, 2 low: the queue's order, oldest first inside each */
  priorityRank: smallint('priority_rank').notNull().default(1),
  question: text('question'),
  attempt: text('attempt'),
  status: text('status').$type<'waiting' | 'picked_up' | 'cancelled' | 'closed'>().notNull().default('waiting'),
  waitingSince: moment('waiting_since').notNull().defaultNow(),
  pickedUpBy: uuid('picked_up_by'),
  pickedUpAt: moment('picked_up_at'),
  endedAt: moment('ended_at'),
});
