/** Every channel by name. A new platform is a folder and a line here; nothing else switches on names. */
import type { ChannelInfo, ChannelName } from '@parley/contract';
import type { Channel } from './contract.ts';
import { fieldsOf } from './fields.ts';
import { telegram } from './telegram/index.ts';
import { web } from './web/index.ts';
import { whatsapp } from './whatsapp/index.ts';

export const channels: Readonly<Record<ChannelName, Channel>> = { web, telegram, whatsapp };

/** For names that come from outside (`/webhooks/:channel/…`); undefined when there is no such channel. */
export function findChannel(name: string): Channel | undefined {
  return Object.hasOwn(channels, name) ? channels[name as ChannelName] : undefined;
}

/**
 * The customer sees a message the moment it is stored, over our own socket: nothing is delivered. Elsewhere it goes through
 * the platform, and the socket has nothing for a visitor. Undefined: the inbox is gone.
 */
export const isLive = (channel: ChannelName | undefined): boolean =>
  channel !== undefined && channels[channel].live === true;

/** What a form, a composer or a page needs to know of it. */
export const describeChannel = (channel: Channel): ChannelInfo => ({
  name: channel.name,
  title: channel.title,
  fields: fieldsOf(channel.credentials, channel.generated),
  settings: channel.settings ? fieldsOf(channel.settings) : [],
  capabilities: {
    live: channel.live === true,
    intake: channel.intake?.kind ?? 'socket',
    registersWebhook: channel.registersWebhook === true,
    typing: channel.live === true || channel.typing !== undefined,
    files: channel.live === true || channel.fetchMedia !== undefined,
    receipts: channel.receipts ?? 'none',
    templates: channel.listTemplates !== undefined,
    window: channel.window
      ? { hours: channel.window.hours, personHours: channel.window.personHours ?? channel.window.hours }
      : null,
    textLength: channel.limits.textLength,
    unit: channel.limits.unit,
  },
});
