import { Globe, MessageCircle, MessageCircleMore, Send } from '@lucide/vue';
import type { ChannelName } from '@parley/contract';
import type { Component } from 'vue';

/** What the server does not say of a channel: its mark. Name, form and abilities come from `GET /channels` (useChannels). */
const icons: Record<ChannelName, Component> = { web: Globe, telegram: Send, whatsapp: MessageCircleMore };

export const channelIcon = (name: string): Component =>
  Object.hasOwn(icons, name) ? icons[name as ChannelName] : MessageCircle;

/** Of the credentials somebody typed, those that say something. */
export const filledIn = (typed: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(typed)
      .map(([name, value]) => [name, value.trim()])
      .filter(([, value]) => value),
  );
