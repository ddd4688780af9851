import { countTokens as count } from 'gpt-tokenizer/encoding/o200k_base';
import { LRUCache } from 'lru-cache';

/** Special-token spellings inside a document are ordinary text, never control tokens. */
const options = { disallowedSpecial: new Set<string>() };

/** Longer than any word of a language with spaces; a run costs quadratic time (100,000 letters: ten seconds and more). */
const LONGEST_RUN = 128;
/** Longer texts are documents, which are counted once. */
const KEPT_AT_MOST = 8_000;
/** Bounded above, too: a run of millions exhausts the stack of the expression. */
const longRun = new RegExp(`\\S{${LONGEST_RUN + 1},65536}|\\s{${LONGEST_RUN + 1},65536}`, 'g');

/** The rules of a bot and what was said before are counted again at every turn. In UTF-16 units of the texts kept. */
const counted = new LRUCache<string, number>({
  maxSize: 4_000_000,
  sizeCalculation: (_tokens, text) => text.length + 64,
});

function countAll(text: string): number {
  let tokens = 0;
  let at = 0;
  for (const { 0: run, index } of text.matchAll(longRun)) {
    if (index > at) tokens += count(text.slice(at, index), options);
    for (let from = 0; from < run.length; from += LONGEST_RUN)
      tokens += count(run.slice(from, from + LONGEST_RUN), options);
    at = index + run.length;
  }
  return at === 0 ? count(text, options) : tokens + (at < text.length ? count(text.slice(at), options) : 0);
}

/**
 * Number of o200k_base tokens in `text`. Other vendors' tokenizers differ by a few percent. Words without an end are
 * counted in pieces, which may add a token at each cut: whatever the text, the time grows with its length alone.
 */
export const countTokens = (text: string): number => {
  const known = counted.get(text);
  if (known !== undefined) return known;
  const tokens = countAll(text);
  if (text.length <= KEPT_AT_MOST) counted.set(text, tokens);
  return tokens;
};
