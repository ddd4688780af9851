import type { ChannelName, Conversation } from '@parley/contract';
import { channels } from '../../channels/registry.ts';
import { AppError } from '../../platform/errors.ts';

const HOUR_MS = 3_600_000;

/**
 * Until when free words are taken, counted from the platform's time of the customer's last message; null where the platform
 * sets no window. A customer who never wrote has none open.
 */
export function windowOf(name: ChannelName, lastInboundAt: Date | string | null, now: Date): Conversation['window'] {
  const { window } = channels[name];
  if (!window) return null;
  if (lastInboundAt === null) return { open: false, closesAt: null, automaticUntil: null };
  const from = new Date(lastInboundAt).getTime();
  const closesAt = from + (window.personHours ?? window.hours) * HOUR_MS;
  return {
    open: now.getTime() < closesAt,
    closesAt: new Date(closesAt).toISOString(),
    automaticUntil: new Date(from + window.hours * HOUR_MS).toISOString(),
  };
}

export const WINDOW_CLOSED =
  'The customer last wrote too long ago: the platform takes only a template now. Choose one to write again.';

/** @throws conflict `window_closed` when an agent's free words would be refused by the platform */
export function assertWindowOpen({ window }: Pick<Conversation, 'window'>): void {
  if (window && !window.open) throw new AppError('window_closed', 409, WINDOW_CLOSED);
}

/** @throws conflict `inbox_deleted` where nothing can be sent any more */
export function assertInboxThere({ inbox }: Pick<Conversation, 'inbox'>): void {
  if (inbox.deleted)
    throw new AppError('inbox_deleted', 409, `The inbox ${inbox.name} was deleted: nothing can be sent here any more.`);
}
