import type { Component } from 'vue';
import { computed, onBeforeUnmount, shallowReactive } from 'vue';

export type Command = { id: string; label: string; group: string; icon?: Component; keys?: string; run: () => void };

const providers = shallowReactive<(() => Command[])[]>([]);

/** Everything that can be done now, for the command bar. */
export const useAllCommands = () => computed(() => providers.toReversed().flatMap((provide) => provide()));

/** Offers a screen's actions in the command bar while the screen is open. */
export function useCommands(provide: () => Command[]): void {
  providers.push(provide);
  onBeforeUnmount(() => {
    providers.splice(providers.indexOf(provide), 1);
  });
}
