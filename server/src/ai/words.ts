import { synonymsOf } from './synonyms.ts';

/**
 * Words reduced to a stem, for comparing a question with sentences in memory. Rougher than PostgreSQL's: both sides go
 * through the same rule, so only equality counts.
 */
export const stem = (word: string): string => {
  const plain = word.toLowerCase().replace(/'s$/, '');
  if (plain.length <= 3) return plain;
  const base = plain
    .replace(/(?:ies)$/, 'y')
    .replace(/(?<=[^s])s$/, '')
    .replace(/(?<=[a-z]{3})(?:ations?|ation|ing|ed|er|ly|ment|able|ion)$/, '')
    .replace(/([b-df-hj-np-tv-z])\1$/, '$1')
    .replace(/(?<=[a-z]{3})[ey]$/, '');
  return base || plain;
};

/** The stems a text has: of whole words, and of the parts of identifiers (setErrorHandler: also set, error, handler). */
export const stems = (text: string): Set<string> => {
  const found = new Set<string>();
  for (const word of text.match(/[\p{L}\p{N}_]+/gu) ?? []) {
    found.add(stem(word));
    const parts = word.replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2').split(/[\s_]+/);
    if (parts.length > 1) for (const part of parts) if (part) found.add(stem(part));
  }
  return found;
};

const hasWord = (found: Set<string>, word: string): boolean =>
  found.has(stem(word)) || (word.match(/[\p{L}\p{N}_]+/gu) ?? ['']).every((part) => found.has(stem(part)));

/** Whether a text's stems hold a term or a synonym of it; a term of several parts (content-type) needs all of them. */
export const hasTerm = (found: Set<string>, term: string): boolean =>
  [term, ...synonymsOf(term)].some((word) => hasWord(found, word));
