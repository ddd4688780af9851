import { TextLanguage } from '@parley/contract';
import type { BotTexts, TextKey } from '@parley/contract';
import { catalogue } from './catalogue.ts';

/** Fills `{name}`; what is not known stays as it is. */
const fill = (text: string, values: Record<string, string | number>): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));

/** The language of the catalogue nearest to a code such as `de-AT`; English where there is none. */
export function catalogueLanguage(code: string | null | undefined): TextLanguage {
  const known = TextLanguage.safeParse(code?.slice(0, 2).toLowerCase());
  return known.success ? known.data : 'en';
}

export type Say = (key: TextKey, values?: Record<string, string | number>) => string;

/**
 * The texts of a conversation: in its language, in the owner's own words where there are some. `key.de` holds for German
 * alone, `key` for every language without one of its own.
 */
export function textsIn(language: string | null | undefined, own: BotTexts = {}): Say {
  const code = catalogueLanguage(language);
  return (key, values = {}) => fill(own[`${key}.${code}`] || own[key] || catalogue[code][key], values);
}
