import { flushPromises } from '@vue/test-utils';
import { expect, it } from 'vitest';
import { ref } from 'vue';
import { ApiError } from '../../api/problem.ts';
import { asLines } from './lines.ts';
import { useDraftForm } from './useDraftForm.ts';

it('edits a list within an object an entry a line, and shows at the list what is wrong with one of them', async () => {
  const refusal = new ApiError(400, 'bad_request', 'no', [{ field: 'settings.origins.1', message: 'is no address' }]);
  const form = useDraftForm({
    source: ref({ name: 'Web', settings: { origins: ['https://a.example'] } }),
    save: () => Promise.reject(refusal),
  });
  const origins = asLines(form.within('settings')('origins'), 2);
  expect(origins.value).toBe('https://a.example');
  // A line that is only begun is a line already.
  origins.value = 'https://a.example\n';
  expect(origins.value).toBe('https://a.example\n');
  origins.value = 'https://a.example\nnonsense\none too many';
  expect(form.draft.value?.settings.origins).toEqual(['https://a.example', 'nonsense']);
  await form.save();
  await flushPromises();
  expect(origins.error).toBe('is no address');
  expect(form.field('name').error).toBeNull();
  origins.value = '';
  expect(form.draft.value?.settings.origins).toEqual([]);
  expect(origins.error).toBeNull();
});
