import { Bot, CheckCheck, Clock, Hourglass, Inbox, Layers, User, UserRoundX } from '@lucide/vue';
import type { ViewCounts } from '@parley/contract';

/** The inbox's lists. The name stands in the address; `count` names the server's counter. */
export const views = {
  open: { query: { status: 'bot,waiting,agent' }, icon: Inbox, count: 'open' },
  mine: { query: { assigneeId: 'me', status: 'agent' }, icon: User, count: 'mine' },
  unassigned: { query: { assigneeId: 'none', status: 'waiting,agent' }, icon: UserRoundX, count: 'unassigned' },
  waiting: { query: { status: 'waiting' }, icon: Hourglass, count: 'waiting' },
  bot: { query: { status: 'bot' }, icon: Bot, count: 'bot' },
  snoozed: { query: { status: 'snoozed' }, icon: Clock, count: 'snoozed' },
  resolved: { query: { status: 'resolved' }, icon: CheckCheck, count: 'resolved' },
  all: { query: {}, icon: Layers, count: 'all' },
} as const satisfies Record<
  string,
  { query: { status?: string; assigneeId?: 'me' | 'none' }; icon: unknown; count: keyof ViewCounts }
>;

export type ViewName = keyof typeof views;
export const isView = (name: unknown): name is ViewName => typeof name === 'string' && Object.hasOwn(views, name);
