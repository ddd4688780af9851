import type { Inbox } from '@parley/contract';
import { mount } from '@vue/test-utils';
import { TooltipProvider } from 'reka-ui';
import { expect, it } from 'vitest';
import { h } from 'vue';
import { i18n } from '../../i18n/index.ts';
import WebhookSetup from './WebhookSetup.vue';

const show = (webhookUrl: string, channel = 'whatsapp') => {
  const inbox = { webhookUrl, channel } as Inbox;
  const view = () => h(TooltipProvider, () => h(WebhookSetup, { inbox, generated: [['Verify token', 'v']] }));
  return mount(view, { global: { plugins: [i18n] } }).text();
};

it('says that a platform cannot reach an address that is not public, and is silent about one that is', () => {
  expect(show('http://localhost:3000/webhooks/whatsapp/t')).toContain('PUBLIC_URL');
  expect(show('https://support.example.com/webhooks/whatsapp/t')).not.toContain('PUBLIC_URL');
});

it('names what the platform wants besides the address, where a channel has such words', () => {
  const words = i18n.global.t('inboxes.whatsapp.afterPaste');
  expect(show('https://support.example.com/t')).toContain(words);
  expect(show('https://support.example.com/t', 'telegram')).not.toContain('afterPaste');
});
