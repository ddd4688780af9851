import { expect, it } from 'vitest';
import { nextTick, ref } from 'vue';
import { forgetDrafts, useDrafts } from './useDrafts.ts';

it('keeps the drafts of each person apart, and forgets them when somebody signs out', async () => {
  const person = ref('ada');
  const drafts = useDrafts(person);
  drafts.value = { 'c1:reply': 'Dear Maria' };
  await nextTick();
  person.value = 'grace';
  await nextTick();
  expect(drafts.value).toEqual({});
  person.value = 'ada';
  await nextTick();
  expect(drafts.value).toEqual({ 'c1:reply': 'Dear Maria' });
  forgetDrafts();
  expect(JSON.stringify({ ...sessionStorage })).not.toContain('Maria');
  expect(useDrafts('ada').value).toEqual({});
});
