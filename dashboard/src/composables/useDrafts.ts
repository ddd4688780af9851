import { useSessionStorage } from '@vueuse/core';
import { computed, type MaybeRefOrGetter, type Ref, toValue } from 'vue';

const prefix = 'parley.drafts.';

/** Half-written texts survive moving between conversations, a reload and a new sign-in; each person finds their own. */
export const useDrafts = (personId: MaybeRefOrGetter<string>): Ref<Record<string, string>> =>
  useSessionStorage<Record<string, string>>(
    computed(() => prefix + toValue(personId)),
    {},
  );

/** Whoever signs out leaves none behind in this tab. */
export function forgetDrafts(): void {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(prefix)) sessionStorage.removeItem(key);
}
