import { REOPEN_DAYS } from '@parley/contract';
import type { InboxSettings } from '@parley/contract';
import { badRequest } from '../../platform/errors.ts';

/** What the widget looks like where the inbox says nothing. The title's limit is shorter than the name's. */
export const fullSettings = (name: string, settings: Partial<InboxSettings>): InboxSettings => ({
  accent: settings.accent ?? '#4f46e5',
  title: settings.title ?? name.slice(0, 60),
  position: settings.position ?? 'right',
  theme: settings.theme ?? 'auto',
  allowedOrigins: settings.allowedOrigins ?? [],
  reopenDays: settings.reopenDays ?? REOPEN_DAYS,
});

const originOf = (address: string, index: number): string => {
  const { protocol, origin } = new URL(address);
  if (protocol === 'https:' || protocol === 'http:') return origin;
  throw badRequest('The input is not valid.', [
    { field: `settings.allowedOrigins.${index}`, message: 'takes an http:// or https:// address' },
  ]);
};

/** Origins as browsers send them: no path, no slash. @throws badRequest for what is no web address */
export const cleanSettings = (settings: Partial<InboxSettings>): Partial<InboxSettings> =>
  settings.allowedOrigins
    ? { ...settings, allowedOrigins: [...new Set(settings.allowedOrigins.map(originOf))] }
    : settings;
