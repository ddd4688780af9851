import { useEventListener } from '@vueuse/core';
import { inject, type InjectionKey, provide, ref } from 'vue';

const homeKey: InjectionKey<() => void> = Symbol('focus home');

/** Somebody asked for a label where the labels are not on screen yet. */
export const labelWanted = ref(false);

const lost = (): boolean => document.activeElement === null || document.activeElement === document.body;
const covered = (): boolean => document.querySelector('[role="dialog"][data-state="open"], [role="menu"]') !== null;

/**
 * The focus always has a home on this screen: where what had it is gone, `home` takes it, so that the keyboard goes on from
 * there. Returns the way to ask for it.
 */
export function provideFocusHome(home: () => void): () => void {
  const find = () => {
    if (lost() && !covered()) home();
  };
  // A removed element tells that it lost the focus before it is gone.
  const soon = () => setTimeout(find);
  useEventListener(document, 'focusout', soon);
  provide(homeKey, soon);
  return soon;
}

export const useFocusHome = (): (() => void) => inject(homeKey, () => undefined);
