/**
 * Words customers use for one another. Short FAQs hold one of them; the question holds another. Only words of support
 * and trade: in other texts they are rare, and then an alternative that occurs nowhere changes nothing.
 */
const groups = [
  'postage shipping delivery',
  'guarantee warranty',
  'receipt invoice bill',
  'parcel shipment',
  'broken damaged defective faulty',
  'price cost charge fee',
  'pay payment',
  'login sign-in signin',
  'phone telephone',
  'shop store showroom',
  'collect pick-up pickup',
  'discount coupon voucher',
  'person human agent',
  'photo picture image',
  'weekend saturday sunday',
  'subscription plan',
  'refund reimburse return',
  'guide manual instructions',
].map((group) => group.split(' '));

const byWord = new Map(groups.flatMap((group) => group.map((word) => [word, group] as const)));

const singular = (word: string): string => word.replace(/(?<=[a-z]{3})s$/, '');

/** The other words for a term, itself not included. */
export const synonymsOf = (term: string): string[] => {
  const plain = term.toLowerCase();
  const group = byWord.get(plain) ?? byWord.get(singular(plain)) ?? [];
  return group.filter((word) => word !== plain && word !== singular(plain));
};

const phrases: [RegExp, string][] = [
  [/\b(?:send|give|bring|ship)\b(?:\s\S+){0,3}?\sback\b/i, 'return'],
  [/\bmoney back\b/i, 'refund'],
  [/\blog(?:ged)? (?:in|on|into)\b/i, 'login'],
  [/\bpick(?:ed)? up\b/i, 'pickup'],
];

/** Terms for what a question says in several words. */
export const phraseTerms = (text: string): string[] =>
  phrases.flatMap(([pattern, term]) => (pattern.test(text) ? [term] : []));
