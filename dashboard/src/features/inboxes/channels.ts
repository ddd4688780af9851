import { Globe, MessageCircle, MessageCircleMore, Send } from '@lucide/vue';
import type { ChannelName } from '@parley/contract';
import type { Component } from 'vue';

/** What the server does not say of a channel: its mark. Name, form and abilities come from `GET /channels` (useChannels). */
const icons: Record<ChannelName, Component> = { web: Globe, telegram: Send, whatsapp: MessageCircleMore };
const names: Record<ChannelName, string> = { web: 'Web', telegram: 'Telegram', whatsapp: 'WhatsApp' };

export const channelIcon = (name: string): Component =>
  Object.hasOwn(icons, name) ? icons[name as ChannelName] : MessageCircle;
/** For lists that are shown before anything is asked. */
export const channelLabel = (name: string): string => (Object.hasOwn(names, name) ? names[name as ChannelName] : name);

/** Of the credentials somebody typed, those that say something. */
export const filledIn = (typed: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(typed)
      .map(([name, value]) => [name, value.trim()])
      .filter(([, value]) => value),
  );
