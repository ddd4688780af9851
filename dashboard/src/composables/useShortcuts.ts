import { useEventListener } from '@vueuse/core';
import { onBeforeUnmount } from 'vue';

export type Shortcuts = Record<string, (event: KeyboardEvent) => void>;

const stack: Shortcuts[] = [];

function nameOf(event: KeyboardEvent): string {
  const modifier = event.metaKey || event.ctrlKey ? 'mod+' : '';
  return modifier + (event.key.length === 1 ? event.key.toLowerCase() : event.key);
}

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** While a dialog or menu is open, single keys belong to it. */
const covered = (): boolean => document.querySelector('[role="dialog"][data-state="open"], [role="menu"]') !== null;

/** Installed once by the app. The screen that came last answers first; single keys rest while somebody types. */
export function listenForShortcuts(): void {
  useEventListener(window, 'keydown', (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const name = nameOf(event);
    if (!name.startsWith('mod+') && (typing(event.target) || covered())) return;
    const action = stack.findLast((shortcuts) => shortcuts[name])?.[name];
    if (!action) return;
    event.preventDefault();
    action(event);
  });
}

/** Keys by name: `j`, `?`, `Enter`, `mod+k`. Active while the component lives. */
export function useShortcuts(shortcuts: Shortcuts): void {
  stack.push(shortcuts);
  onBeforeUnmount(() => {
    stack.splice(stack.indexOf(shortcuts), 1);
  });
}
