import { usePreferredDark, useStorage, createSharedComposable } from '@vueuse/core';
import { watchEffect } from 'vue';
import { accents, isAccent } from './accents.ts';

export type Theme = 'light' | 'dark' | 'system';
export type Density = 'dense' | 'comfortable';

/** Theme and density are this browser's; the accent is the workspace's. `public/theme.js` reads the same keys before the first paint. */
export const useAppearance = createSharedComposable(() => {
  const saved = useStorage<{ theme: Theme; density: Density }>(
    'parley.appearance',
    { theme: 'system', density: 'dense' },
    localStorage,
    {
      mergeDefaults: true,
    },
  );
  const dark = usePreferredDark();
  watchEffect(() => {
    const root = document.documentElement;
    root.dataset['theme'] = saved.value.theme === 'system' ? (dark.value ? 'dark' : 'light') : saved.value.theme;
    root.dataset['density'] = saved.value.density;
  });
  return saved;
});

export function applyAccent(name: string): void {
  const accent = accents[isAccent(name) ? name : 'blue'];
  localStorage.setItem('parley.accent', JSON.stringify(accent));
  document.documentElement.style.setProperty('--accent-hue', String(accent.hue));
  document.documentElement.style.setProperty('--accent-chroma', String(accent.chroma));
}
