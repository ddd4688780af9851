import { flushPromises, mount } from '@vue/test-utils';
import { afterEach, expect, it } from 'vitest';
import { useToasts } from '../composables/useToasts.ts';
import { i18n } from '../i18n/index.ts';
import ConfirmDialog from './ConfirmDialog.vue';

afterEach(() => {
  document.body.innerHTML = '';
});

/** Opens the question, says yes, and tells whether it is open afterwards. */
async function confirm(act: () => Promise<void>): Promise<boolean> {
  const asked = mount(ConfirmDialog, {
    props: { open: true, title: 'Sure?', description: '', action: 'Delete', act, failed: 'It was not deleted.' },
    global: { plugins: [i18n] },
    attachTo: document.body,
  });
  await flushPromises();
  [...document.querySelectorAll('button')].find((button) => button.textContent?.includes('Delete'))?.click();
  await flushPromises();
  const closed = asked.emitted('update:open')?.flat().includes(false) ?? false;
  asked.unmount();
  return !closed;
}

it('stays, and says what failed, when the deed fails', async () => {
  expect(await confirm(() => Promise.reject(new Error('away')))).toBe(true);
  expect(useToasts().toasts.value.at(-1)?.text).toContain('It was not deleted.');
});

it('is over when the deed is done', async () => {
  let done = 0;
  expect(await confirm(async () => void (done += 1))).toBe(false);
  expect(done).toBe(1);
});
