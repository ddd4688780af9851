import { createSharedComposable, useStorage } from '@vueuse/core';
import { computed, shallowRef } from 'vue';
import { playChime } from './playChime.ts';

/** Who came into the queue since this person last looked: ids of conversations. */
const arrived = shallowRef<ReadonlySet<string>>(new Set());
/** However many come at once, it rings once. */
const ringsEveryMs = 5000;
let rangAt = -Infinity;

/** How this person wants to hear of it, in this browser. */
export const useNewsSettings = createSharedComposable(() =>
  useStorage('parley.news', { sound: true, title: true }, localStorage, { mergeDefaults: true }),
);

export function useNews() {
  const settings = useNewsSettings();
  return {
    count: computed(() => arrived.value.size),
    settings,
    tellArrived(conversationId: string): void {
      if (arrived.value.has(conversationId)) return;
      arrived.value = new Set([...arrived.value, conversationId]);
      if (!settings.value.sound || performance.now() - rangAt < ringsEveryMs) return;
      rangAt = performance.now();
      playChime();
    },
    /** A colleague took it, or it ended. */
    forget(conversationId: string): void {
      if (!arrived.value.has(conversationId)) return;
      arrived.value = new Set([...arrived.value].filter((id) => id !== conversationId));
    },
    clear(): void {
      if (arrived.value.size > 0) arrived.value = new Set();
    },
  };
}
