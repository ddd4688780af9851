import { splitSentences } from './sentences.ts';

/** What has neither letters nor digits ("👍", "…") is compared as it stands. */
const normalise = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim() || text.trim();

const isOneBlock = (text: string): boolean => !text.includes('\n');
const spelling = (text: string): string => `${isOneBlock(text) ? 'prose' : 'block'} ${normalise(text)}`;

/**
 * Paragraphs that went out before → a filter for those of a continuation: a repeated paragraph becomes '', sentences
 * repeated at the start of one are taken off. Compared by letters and digits alone.
 */
export const withoutRepeats = (alreadySent: string[]): ((paragraph: string) => string) => {
  const paragraphs = new Set(alreadySent.map(spelling));
  const sentences = new Set(alreadySent.filter(isOneBlock).flatMap(splitSentences).map(normalise));
  return (paragraph) => {
    if (paragraphs.has(spelling(paragraph))) return '';
    // Only prose has sentences; a list or code block is repeated as a whole or not at all.
    if (!isOneBlock(paragraph)) return paragraph;
    const parts = splitSentences(paragraph);
    const fresh = parts.findIndex((sentence) => normalise(sentence) && !sentences.has(normalise(sentence)));
    return fresh === 0 ? paragraph : fresh === -1 ? '' : parts.slice(fresh).join(' ');
  };
};
