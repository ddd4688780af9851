import { expect, it } from 'vitest';
import { nextTick, ref } from 'vue';
import { useDraft } from './useDraft.ts';

it('keeps what a person typed when the server tells something new', async () => {
  const source = ref<{ name: string; count: number } | undefined>({ name: 'a', count: 1 });
  const { draft, changes } = useDraft(source);
  if (draft.value) draft.value.name = 'typed';
  source.value = { name: 'b', count: 2 };
  await nextTick();
  expect(draft.value?.name).toBe('typed');
  expect(changes.value).toEqual({ name: 'typed' });
});

it('follows the server while nothing is typed, and forgets on discard', async () => {
  const source = ref<{ name: string } | undefined>(undefined);
  const { draft, dirty, discard } = useDraft(source);
  source.value = { name: 'a' };
  await nextTick();
  source.value = { name: 'b' };
  await nextTick();
  expect(draft.value).toEqual({ name: 'b' });
  if (draft.value) draft.value.name = 'typed';
  expect(dirty.value).toBe(true);
  discard();
  expect(draft.value).toEqual({ name: 'b' });
});
