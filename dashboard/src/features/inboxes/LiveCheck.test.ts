import { type Inbox, inboxesApi } from '@parley/contract';
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query';
import { flushPromises, mount } from '@vue/test-utils';
import { afterEach, expect, it, vi } from 'vitest';
import { defineComponent, h } from 'vue';
import { keepLogin } from '../../api/session.ts';
import { useCall } from '../../api/useCall.ts';
import { i18n } from '../../i18n/index.ts';
import InboxHealth from './InboxHealth.vue';
import LiveCheck from './LiveCheck.vue';

const id = '01890000-0000-7000-8000-000000000001';
const failing: Inbox = {
  id,
  name: 'Orders',
  channel: 'whatsapp',
  botId: null,
  token: 'token',
  webhookUrl: 'https://parley.test/webhooks/whatsapp/token',
  chatUrl: null,
  settings: { accent: '#4f46e5', title: 'Orders', position: 'right', theme: 'auto', allowedOrigins: [], reopenDays: 7 },
  status: 'failing',
  statusDetail: 'WhatsApp did not answer.',
  lastEventAt: null,
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-01T00:00:00Z',
};

afterEach(() => vi.unstubAllGlobals());

it('lets the mark of the inbox follow what the check found', async () => {
  let works = false;
  vi.stubGlobal('fetch', async (url: string) => {
    const data = url.endsWith('/check')
      ? { ok: works, displayName: works ? 'Orders' : null, detail: works ? 'Ready.' : 'WhatsApp did not answer.' }
      : { ...failing, ...(works ? { status: 'connected', statusDetail: null } : {}) };
    return new Response(JSON.stringify({ success: true, data }));
  });
  keepLogin({ accessToken: 'good', refreshToken: 'r', workspaceId: id });
  const page = defineComponent(() => {
    const inbox = useCall(inboxesApi.get, { params: { id } }, { staleTime: Infinity });
    return () => [
      inbox.data.value && h(InboxHealth, { inbox: inbox.data.value }),
      h(LiveCheck, { inboxId: id, channel: 'WhatsApp' }),
    ];
  });
  const view = mount(page, { global: { plugins: [i18n, [VueQueryPlugin, { queryClient: new QueryClient() }]] } });
  await vi.waitFor(() => expect(view.text()).toContain(i18n.global.t('inboxes.doesNotWork')));
  expect(view.text()).toContain(i18n.global.t('inboxes.status.failing'));
  works = true;
  await view.get('button').trigger('click');
  await vi.waitFor(() => expect(view.text()).toContain(i18n.global.t('inboxes.status.connected')));
  await flushPromises();
  expect(view.text()).not.toContain(i18n.global.t('inboxes.status.failing'));
  view.unmount();
});
