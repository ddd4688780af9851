import { mailTexts } from './texts/index.ts';

const FALLBACK = 'en';

/** The first language of an `Accept-Language` that mails are written in. */
export function languageOf(accepted: string | undefined): string | undefined {
  const wanted = (accepted ?? '')
    .slice(0, 200)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().toLowerCase().split(';');
      const quality = /^q=([\d.]+)$/.exec(parameters.find((each) => each.trim().startsWith('q='))?.trim() ?? '')?.[1];
      return { language: tag.split('-')[0] ?? '', quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ quality }) => quality > 0)
    .toSorted((one, other) => other.quality - one.quality);
  return wanted.find(({ language }) => Object.hasOwn(mailTexts, language))?.language;
}

/** One there is a text for. */
export const knownLanguage = (language: string | null | undefined): string =>
  language && Object.hasOwn(mailTexts, language) ? language : FALLBACK;
