/** Every channel by name. A new platform is a folder and a line here; nothing else switches on names. */
import type { ChannelName } from '@parley/contract';
import type { Channel } from './contract.ts';
import { telegram } from './telegram/index.ts';
import { web } from './web/index.ts';

export const channels: Readonly<Record<ChannelName, Channel>> = { web, telegram };

/** For names that come from outside (`/webhooks/:channel/…`); undefined when there is no such channel. */
export function findChannel(name: string): Channel | undefined {
  return Object.hasOwn(channels, name) ? channels[name as ChannelName] : undefined;
}
