import { Globe, MessageCircle, Send } from '@lucide/vue';
import type { ChannelName } from '@parley/contract';
import type { Component } from 'vue';

/** One entry per channel the server knows; the gallery, marks and connect steps read it. */
export const channels: Record<
  ChannelName,
  { icon: Component; name: string; credentials: { name: string; secret: boolean; required: boolean }[] }
> = {
  web: { icon: Globe, name: 'Web', credentials: [] },
  telegram: {
    icon: Send,
    name: 'Telegram',
    credentials: [
      { name: 'botToken', secret: true, required: true },
      { name: 'secretToken', secret: true, required: false },
    ],
  },
};
export const channelNames = Object.keys(channels) as ChannelName[];

export const channelIcon = (name: string): Component =>
  Object.hasOwn(channels, name) ? channels[name as ChannelName].icon : MessageCircle;
export const channelLabel = (name: string): string =>
  Object.hasOwn(channels, name) ? channels[name as ChannelName].name : name;
