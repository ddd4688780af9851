import { channelsApi, type ChannelTemplate, type Conversation, meApi } from '@parley/contract';
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query';
import { flushPromises, mount } from '@vue/test-utils';
import { expect, it } from 'vitest';
import { keyOf } from '../../api/cache.ts';
import { i18n } from '../../i18n/index.ts';
import TemplateChoice from './TemplateChoice.vue';
import type { Outgoing } from './useSending.ts';

const template = (name: string, body: string, variables: string[], status = 'APPROVED'): ChannelTemplate => ({
  name,
  language: 'en',
  status,
  category: 'UTILITY',
  body,
  variables,
});
const conversation = { id: 'c1', inbox: { id: 'i1', name: 'Orders', channel: 'whatsapp' } } as Conversation;

function show(templates: ChannelTemplate[], deliver: (outgoing: Outgoing) => Promise<boolean> = async () => true) {
  const outgoing: Outgoing[] = [];
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  client.setQueryData(keyOf(meApi.get), { user: { id: 'ada' }, permissions: [] });
  client.setQueryData(keyOf(channelsApi.listTemplates, { params: { id: 'i1' } }), templates);
  const view = mount(TemplateChoice, {
    props: {
      conversation,
      busy: false,
      send: (each: Outgoing) => {
        outgoing.push(each);
        return deliver(each);
      },
    },
    global: { plugins: [i18n, [VueQueryPlugin, { queryClient: client }]] },
  });
  const send = () => view.get('form').trigger('submit');
  const sent = () => outgoing.map((each) => each.template);
  return { view, send, sent };
}

it('sends nothing before every blank is filled in, and says in words which blank is which', async () => {
  const { view, send, sent } = show([
    template('rejected', 'Buy!', [], 'REJECTED'),
    template('order_news', 'Hello {{1}}, {{ order_number }} is on its way.', ['1', 'order_number']),
  ]);
  expect(view.findAll('option').map((option) => option.text())).toEqual(['order_news (en)']);
  expect(view.findAll('label').map((label) => label.text())).toEqual(['Template', 'Blank 1', 'order number']);
  await view.get('[name="1"]').setValue('Olli');
  await send();
  expect(sent()).toEqual([]);
  await view.get('[name="order_number"]').setValue('20413');
  expect(view.text()).toContain('Hello Olli, 20413 is on its way.');
  await send();
  expect(sent()).toEqual([{ name: 'order_news', language: 'en', variables: { '1': 'Olli', order_number: '20413' } }]);
});

it('starts with empty blanks when another template is chosen', async () => {
  const { view, send, sent } = show([template('one', 'Dear {{1}}', ['1']), template('two', 'Hello {{1}}', ['1'])]);
  await view.get('[name="1"]').setValue('Olli');
  await view.get('select').setValue('two en');
  expect(view.text()).toContain('Hello {{1}}');
  await send();
  expect(sent()).toEqual([]);
});

it('says that there is none to choose', () => {
  expect(show([]).view.get('[role=status]').text()).toBe(i18n.global.t('composer.template.none'));
});

it('sends once: waits while it goes out, is empty after that, and keeps the words when it did not go out', async () => {
  const answers: ((sent: boolean) => void)[] = [];
  const { view, send, sent } = show(
    [template('one', 'Dear {{1}}', ['1'])],
    () => new Promise((resolve) => answers.push(resolve)),
  );
  const blank = () => view.get<HTMLInputElement>('[name="1"]').element.value;
  const button = () => view.get<HTMLButtonElement>('[type=submit]').element;
  await view.get('[name="1"]').setValue('Olli');
  await send();
  await send();
  expect(sent()).toHaveLength(1);
  expect(button().disabled).toBe(true);
  answers[0]?.(false);
  await flushPromises();
  expect(blank()).toBe('Olli');
  expect(button().disabled).toBe(false);
  await send();
  answers[1]?.(true);
  await flushPromises();
  expect(blank()).toBe('');
  expect(button().disabled).toBe(true);
  await send();
  expect(sent()).toHaveLength(2);
});
