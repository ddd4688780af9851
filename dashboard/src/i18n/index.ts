import { createI18n } from 'vue-i18n';
import en from './en.ts';
import type { Messages } from './messages.ts';

export const locales = { en: 'English', de: 'Deutsch', fi: 'Suomi' } as const;
export type Locale = keyof typeof locales;

const storageKey = 'parley.locale';
const isLocale = (name: string | null | undefined): name is Locale =>
  name !== null && name !== undefined && Object.hasOwn(locales, name);
const loaders: Record<Exclude<Locale, 'en'>, () => Promise<{ default: Messages }>> = {
  de: () => import('./de.ts'),
  fi: () => import('./fi.ts'),
};

export const i18n = createI18n<false>({
  legacy: false,
  locale: 'en',
  fallbackLocale: 'en',
  messages: { en },
});

/** The language chosen here before, else the browser's, else English. */
export function preferredLocale(): Locale {
  const saved = localStorage.getItem(storageKey);
  if (isLocale(saved)) return saved;
  return navigator.languages.map((tag) => tag.slice(0, 2)).find(isLocale) ?? 'en';
}

export async function setLocale(locale: Locale): Promise<void> {
  if (locale !== 'en') i18n.global.setLocaleMessage(locale, (await loaders[locale]()).default);
  i18n.global.locale.value = locale;
  document.documentElement.lang = locale;
}

export async function chooseLocale(locale: Locale): Promise<void> {
  localStorage.setItem(storageKey, locale);
  await setLocale(locale);
}
