import { BotInput } from '@parley/contract';
import { flushPromises, mount } from '@vue/test-utils';
import { afterEach, describe, expect, it } from 'vitest';
import { defineComponent, h, ref } from 'vue';
import { ApiError } from '../../api/problem.ts';
import { i18n } from '../../i18n/index.ts';
import Async from '../Async.vue';
import Form from './Form.vue';
import FormDialog from './FormDialog.vue';
import SelectField from './SelectField.vue';
import TextField from './TextField.vue';
import { useForm } from './useForm.ts';

afterEach(() => {
  document.body.innerHTML = '';
});

const fieldNamed = (name: string) => document.querySelector<HTMLInputElement>(`[name="${name}"]`);
function type(name: string, value: string): void {
  const input = fieldNamed(name);
  if (!input) throw new Error(`no field ${name}`);
  input.value = value;
  input.dispatchEvent(new Event('input', { bubbles: true }));
}
const submit = async () => {
  document.querySelector('form')?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
  await flushPromises();
};
const wrong = () => [...document.querySelectorAll('[aria-invalid="true"]')].map((input) => input.getAttribute('name'));

function show(answer: (values: { greeting: string; name: string; model: string }) => Promise<string>) {
  const sent: string[] = [];
  const Screen = defineComponent(() => {
    const form = useForm({
      initial: () => ({ greeting: 'Hello', name: '', model: 'builtin/extractive' }),
      schema: BotInput,
      submit: answer,
      done: (result) => sent.push(result),
    });
    return () =>
      h(Form, { form }, () => [
        h(TextField, { field: form.field('greeting'), label: 'Greeting', rows: 2 }),
        h(TextField, { field: form.field('name'), label: 'Name', hint: 'Customers see it' }),
        h(SelectField<string>, {
          field: form.field('model'),
          label: 'Model',
          options: [{ value: 'builtin/extractive', label: 'Built in' }],
        }),
      ]);
  });
  mount(Screen, { global: { plugins: [i18n] }, attachTo: document.body });
  return sent;
}

describe('a form', () => {
  it('is checked by the contract before it is sent, and focuses the first wrong field', async () => {
    const sent = show(async () => 'sent');
    await submit();
    expect(sent).toEqual([]);
    expect(wrong()).toEqual(['name']);
    expect(document.activeElement).toBe(fieldNamed('name'));
    const help = document.getElementById(fieldNamed('name')?.getAttribute('aria-describedby') ?? '');
    expect(help?.textContent).toBe(i18n.global.t('field.required'));
    type('name', 'Support');
    await flushPromises();
    expect(wrong()).toEqual([]);
    await submit();
    expect(sent).toEqual(['sent']);
  });

  it('shows what the server says about a field there, and about the whole above', async () => {
    let refusals = 0;
    show(async () => {
      refusals += 1;
      if (refusals > 1) throw new ApiError(409, 'conflict', 'Another bot has this name.');
      throw new ApiError(400, 'bad_request', 'no', [{ field: 'model', message: 'This model is not here.' }]);
    });
    type('name', 'Support');
    await submit();
    expect(wrong()).toEqual(['model']);
    expect(document.activeElement).toBe(fieldNamed('model'));
    expect(document.body.textContent).toContain('This model is not here.');
    await submit();
    expect(wrong()).toEqual([]);
    expect(document.querySelector('[role=alert]')?.textContent).toContain('Another bot has this name.');
  });

  it('is sent once, however often it is asked', async () => {
    let calls = 0;
    const { promise, resolve } = Promise.withResolvers<string>();
    show(() => {
      calls += 1;
      return promise;
    });
    type('name', 'Support');
    await submit();
    await submit();
    resolve('sent');
    expect(calls).toBe(1);
  });
});

describe('a dialog with a form', () => {
  const press = (word: string) =>
    [...document.querySelectorAll('button')].find((button) => button.textContent?.includes(word))?.click();
  function open() {
    const shown = ref(true);
    const Screen = defineComponent(() => {
      const form = useForm({ initial: () => ({ name: '' }), submit: async () => undefined });
      return () =>
        h(
          FormDialog,
          {
            form,
            title: 'New bot',
            action: 'Make it',
            open: shown.value,
            'onUpdate:open': (value: boolean) => {
              shown.value = value;
            },
          },
          () => h(TextField, { field: form.field('name'), label: 'Name' }),
        );
    });
    mount(Screen, { global: { plugins: [i18n] }, attachTo: document.body });
    return shown;
  }
  const escape = async () => {
    document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    await flushPromises();
  };

  it('closes at once while nothing is filled in', async () => {
    const shown = open();
    await flushPromises();
    await escape();
    expect(shown.value).toBe(false);
  });

  it('asks before it drops what somebody typed', async () => {
    const shown = open();
    await flushPromises();
    type('name', 'Support');
    await flushPromises();
    await escape();
    expect(shown.value).toBe(true);
    press(i18n.global.t('common.leave'));
    await flushPromises();
    expect(shown.value).toBe(false);
  });
});

describe('a question to the server', () => {
  function ask(state: { data?: unknown; error?: unknown; pending?: boolean; allowed?: boolean }) {
    let retries = 0;
    const query = {
      data: ref(state.data),
      error: ref(state.error ?? null),
      isPending: ref(state.pending ?? false),
      refetch: () => (retries += 1),
    };
    const props = {
      query,
      empty: { title: 'No bots yet', text: 'Make the first.' },
      ...(state.allowed === undefined ? {} : { allowed: state.allowed }),
    };
    const Screen = () => h(Async<unknown>, props, { default: ({ data }: { data: unknown }) => JSON.stringify(data) });
    const view = mount(Screen, { global: { plugins: [i18n] } });
    return { view, retries: () => retries };
  }

  it('says in each state what is true', async () => {
    expect(ask({ pending: true }).view.find('[role=status]').exists()).toBe(true);
    expect(ask({ data: [] }).view.text()).toContain('No bots yet');
    expect(ask({ data: { items: [], total: 0 } }).view.text()).toContain('Make the first.');
    expect(ask({ data: [1] }).view.text()).toBe('[1]');
    expect(ask({ allowed: false, pending: true }).view.text()).toContain(i18n.global.t('problem.forbidden.title'));
    const failed = ask({ error: new ApiError(500, 'x', 'secret', [], 'r-1') });
    expect(failed.view.text()).toContain('r-1');
    const retry = failed.view.findAll('button').find((button) => button.text() === i18n.global.t('common.retry'));
    await retry?.trigger('click');
    expect(failed.retries()).toBe(1);
  });

  it('keeps an answer while a later one fails', () => {
    expect(ask({ data: [1], error: new ApiError(0, 'offline', '') }).view.text()).toBe('[1]');
  });
});
