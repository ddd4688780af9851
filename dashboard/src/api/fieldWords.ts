import { i18n } from '../i18n/index.ts';

type Rule = { pattern: RegExp; words: (number: number) => string };
const t = (key: string, number = 0): string => i18n.global.t(key, { n: number });

/** The validator's own English for what people get wrong most; everything else the server says is for people already. */
const rules: Rule[] = [
  { pattern: /^Too small: expected string to have >=1 characters$/, words: () => t('field.required') },
  { pattern: /^Too small: expected string to have >=(\d+) characters$/, words: (number) => t('field.atLeast', number) },
  { pattern: /^Too big: expected string to have <=(\d+) characters$/, words: (number) => t('field.atMost', number) },
  { pattern: /^Too big: expected array to have <=(\d+) items$/, words: (number) => t('field.tooMany', number) },
  { pattern: /^Invalid email address$/, words: () => t('field.email') },
  { pattern: /^Invalid URL$/, words: () => t('field.url') },
  { pattern: /^is not the current password$/, words: () => t('field.currentPassword') },
  { pattern: /^belongs to another account$/, words: () => t('field.addressTaken') },
  { pattern: /^Invalid input: expected \w+, received undefined$/, words: () => t('field.required') },
];

export function fieldWords(message: string): string {
  for (const { pattern, words } of rules) {
    const match = pattern.exec(message);
    if (match) return words(Number(match[1] ?? 0));
  }
  return message;
}
