import { countTokens as count } from 'gpt-tokenizer/encoding/o200k_base';

/** Special-token spellings inside a document are ordinary text, never control tokens. */
const options = { disallowedSpecial: new Set<string>() };

/** Number of o200k_base tokens in `text`. Other vendors' tokenizers differ by a few percent. */
export const countTokens = (text: string): number => count(text, options);
