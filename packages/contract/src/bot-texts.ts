import { z } from 'zod';
import { prose } from './common.ts';

/** Languages in which Parley has every text it says to customers. */
export const TextLanguage = z.enum(['en', 'de', 'fi', 'fr', 'es', 'pt', 'it', 'sv', 'nl', 'pl', 'vi', 'ja', 'ar']);
export type TextLanguage = z.infer<typeof TextLanguage>;

/** Whatever Parley says to a customer in its own name. */
export const TextKey = z.enum([
  ...(['hello', 'welcome', 'goodbye', 'notFound', 'rephrase', 'needSentence'] as const),
  ...(['askDifferently', 'talkToPerson', 'replyWithNumber'] as const),
  ...(['gotPicture', 'gotVoice', 'gotVideo', 'gotFile', 'gotPlace'] as const),
  ...([
    'handoff',
    'place',
    'placeWithoutWait',
    'closeThis',
    'stillWaiting',
    'whileWaiting',
    'away',
    'closed',
    'modelFailed',
  ] as const),
  ...(['handedOver', 'joined', 'tookOver', 'answeredOutside', 'gaveBack', 'resolvedBy', 'ended', 'reopened'] as const),
  ...(['snoozed', 'wokeUp', 'unassigned', 'assigned'] as const),
]);
export type TextKey = z.infer<typeof TextKey>;

const isOwnKey = (key: string): boolean => {
  const [text, language, ...more] = key.split('.');
  return (
    more.length === 0 &&
    TextKey.safeParse(text).success &&
    (language === undefined || TextLanguage.safeParse(language).success)
  );
};

/**
 * The owner's own words: by `key` for every language, or by `key.language` (`notFound.de`) for one. What is empty or absent
 * is said in Parley's words.
 */
export const BotTexts = z.record(z.string().max(60).refine(isOwnKey, 'is no text of the catalogue'), prose(1000));
export type BotTexts = z.infer<typeof BotTexts>;

/** Parley's own texts, by language and key. */
export const TextCatalogue = z.record(TextLanguage, z.record(TextKey, z.string()));
export type TextCatalogue = z.infer<typeof TextCatalogue>;

/** What a customer can tap instead of writing. */
export const Choice = z.object({ id: z.enum(['ask_differently', 'request_agent']), text: z.string() });
export type Choice = z.infer<typeof Choice>;
