import { type ChannelInfo, channelsApi, meApi } from '@parley/contract';
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query';
import { flushPromises, mount } from '@vue/test-utils';
import { TooltipProvider } from 'reka-ui';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { h } from 'vue';
import { createMemoryHistory, createRouter } from 'vue-router';
import { keyOf } from '../../api/cache.ts';
import { keepLogin } from '../../api/session.ts';
import { i18n } from '../../i18n/index.ts';
import ConnectPage from './ConnectPage.vue';

const id = '01890000-0000-7000-8000-000000000001';
const field = (name: string, label: string) => ({ name, label, secret: true, required: true, help: `Your ${label}` });
const whatsapp: ChannelInfo = {
  name: 'whatsapp',
  title: 'WhatsApp',
  fields: [field('phoneNumberId', 'Phone number ID'), field('accessToken', 'Access token')],
  capabilities: {
    live: false,
    intake: 'webhook',
    registersWebhook: false,
    typing: true,
    files: true,
    receipts: 'message',
    templates: true,
    window: null,
    textLength: 4096,
    unit: 'utf16',
  },
  settings: [],
};
const inbox = {
  id,
  name: 'Orders',
  channel: 'whatsapp',
  botId: null,
  token: 'token',
  webhookUrl: 'https://parley.test/webhooks/whatsapp/token',
  chatUrl: null,
  settings: { accent: '#4f46e5', title: 'Orders', position: 'right', theme: 'auto', allowedOrigins: [], reopenDays: 7 },
  status: 'connected',
  statusDetail: null,
  lastEventAt: null,
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-01T00:00:00Z',
};

type Made = { status: number; body: unknown };
let sent: unknown[] = [];
/** A server at the wire: what it says to the making of an inbox, one answer after the other. */
function serve(...answers: Made[]): void {
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const said = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
    if (init.method === 'POST' && url.endsWith('/inboxes')) {
      sent.push(JSON.parse(typeof init.body === 'string' ? init.body : '{}'));
      const { body, status } = answers.shift() ?? { body: {}, status: 500 };
      return said(body, status);
    }
    if (url.endsWith('/check'))
      return said({ success: true, data: { ok: true, displayName: 'Orders', detail: 'Ready.' } });
    return said({ success: true, data: inbox });
  });
}
const refusal = (details?: { field: string; message: string }[]) => ({
  status: 400,
  body: { success: false, error: { code: 'bad_request', message: 'Make a new token for a system user.', details } },
});

async function open(at = '/connect/whatsapp') {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  client.setQueryData(keyOf(meApi.get), { user: { id: 'ada' }, permissions: ['inboxes:read', 'inboxes:write'] });
  client.setQueryData(keyOf(channelsApi.list, {}), [whatsapp]);
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/connect/:channel', component: ConnectPage },
      { path: '/inboxes', name: 'inboxes', component: ConnectPage },
    ],
  });
  await router.push(at);
  const view = mount(() => h(TooltipProvider, () => h(ConnectPage)), {
    global: { plugins: [router, i18n, [VueQueryPlugin, { queryClient: client }]] },
    attachTo: document.body,
  });
  await flushPromises();
  const step = () => view.get('[aria-current=step] h2').text();
  const press = async () => {
    await view.get('[aria-current=step] form').trigger('submit');
    await flushPromises();
  };
  const connect = async (token: string) => {
    await view.get('[name=phoneNumberId]').setValue('123');
    await view.get('[name=accessToken]').setValue(token);
    await press();
  };
  return { view, router, step, press, connect };
}

beforeEach(() => {
  sent = [];
  keepLogin({ accessToken: 'good', refreshToken: 'r', workspaceId: id });
});
afterEach(() => {
  document.body.innerHTML = '';
});

it('leads back to the credential the platform refused, says why there, and keeps the rest', async () => {
  serve(refusal([{ field: 'credentials.accessToken', message: 'is not accepted by WhatsApp' }]), {
    status: 201,
    body: { success: true, data: inbox },
  });
  const { view, router, step, press, connect } = await open();
  await connect('wrong');
  expect(router.currentRoute.value.query).toEqual({ step: '2' });
  await view.get('[name=name]').setValue('Orders');
  await press();
  expect(router.currentRoute.value.query).toEqual({});
  expect(step()).toBe(i18n.global.t('inboxes.whatsapp.step1'));
  const token = view.get<HTMLInputElement>('[name=accessToken]');
  expect(token.attributes('aria-invalid')).toBe('true');
  expect(document.activeElement).toBe(token.element);
  expect(document.getElementById(token.attributes('aria-describedby') ?? '')?.textContent).toBe(
    'is not accepted by WhatsApp',
  );
  expect(view.get('[role=alert]').text()).toContain('Make a new token');
  expect(view.get<HTMLInputElement>('[name=phoneNumberId]').element.value).toBe('123');

  await connect(' right ');
  expect(view.get<HTMLInputElement>('[name=name]').element.value).toBe('Orders');
  expect(view.find('[role=alert]').exists()).toBe(false);
  await press();
  expect(router.currentRoute.value.query).toEqual({ inbox: id });
  expect(sent.at(-1)).toMatchObject({
    name: 'Orders',
    channel: 'whatsapp',
    credentials: { phoneNumberId: '123', accessToken: 'right' },
  });
});

it('says where the inbox is named what is not about a credential', async () => {
  serve(refusal());
  const { view, router, press, connect } = await open();
  await connect('good');
  await press();
  expect(router.currentRoute.value.query).toEqual({ step: '2' });
  expect(view.get('[role=alert]').text()).toContain('Make a new token');
});

it('asks for the credentials again after a reload, which forgets them, and goes on with an inbox that was made', async () => {
  serve();
  const reloaded = await open('/connect/whatsapp?step=2');
  expect(reloaded.router.currentRoute.value.query).toEqual({});
  expect(reloaded.view.find('[name=accessToken]').exists()).toBe(true);
  reloaded.view.unmount();
  const made = await open(`/connect/whatsapp?inbox=${id}`);
  expect(made.step()).toBe(i18n.global.t('inboxes.step3'));
  expect(made.view.text()).toContain(inbox.webhookUrl);
});
