import { Permission } from '@parley/contract';
import { describe, expect, it } from 'vitest';
import { createMemoryHistory, createRouter } from 'vue-router';
import en from '../i18n/en.ts';
import { locales } from '../i18n/index.ts';
import type { Messages } from '../i18n/messages.ts';
import { features } from './features.ts';
import { routes } from './router.ts';
import { navItems } from './useNavItems.ts';

const textOf = (key: string) =>
  key
    .split('.')
    .reduce<string | Messages | undefined>((at, part) => (typeof at === 'object' ? at[part] : undefined), en);

describe('the features', () => {
  it('are found, each with its texts in every language', () => {
    const nouns = Object.keys(import.meta.glob('../features/*/feature.ts')).map((path) => path.split('/')[2]);
    expect(nouns.length).toBe(features.length);
    expect(nouns).toContain('bots');
    const files = Object.keys(import.meta.glob('../features/*/locales/*.json'));
    for (const noun of nouns)
      for (const language of Object.keys(locales))
        expect(files).toContain(`../features/${noun}/locales/${language}.json`);
  });

  it('lead somewhere, under a name, with a permission there is', () => {
    const router = createRouter({ history: createMemoryHistory(), routes: routes() });
    expect(navItems.length).toBeGreaterThan(8);
    for (const item of navItems) {
      expect(router.resolve(item.to).name, item.to).not.toBe('missing');
      expect(textOf(item.label), item.label).toBeTypeOf('string');
      if (item.text) expect(textOf(item.text), item.text).toBeTypeOf('string');
      if (item.permission) expect(Permission.options).toContain(item.permission);
    }
    expect(new Set(navItems.map((item) => item.to)).size).toBe(navItems.length);
    expect(new Set(navItems.map((item) => `${item.in} ${item.order}`)).size).toBe(navItems.length);
  });

  it('leave no route without a sign-in but those that say so', () => {
    const open = routes().filter((route) => route.meta?.['open']);
    expect(open.map((route) => route.name)).toEqual([
      ...['sign-in', 'setup', 'accept-invite'],
      ...['forgot-password', 'reset-password', 'prove-address'],
    ]);
  });
});
