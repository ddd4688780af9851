import { createHash } from 'node:crypto';
import { splitBlock } from './split.ts';
import { countTokens } from './tokens.ts';
import type { Block, Chunk, Extracted } from './types.ts';

/** No chunk is larger; a chunk is closed once it has `target` tokens, since small ones are found more exactly. */
export const maximumTokens = 512;
const targetTokens = 260;

type Part = { block: Block; tokens: number };

const samePath = (a: string[], b: string[]): boolean => a.length === b.length && a.every((name, at) => name === b[at]);

/** Neighbouring blocks under the same headings. */
const sections = (blocks: Block[]): Block[][] => {
  const result: Block[][] = [];
  for (const block of blocks) {
    const current = result.at(-1);
    if (current?.[0] && samePath(current[0].headingPath, block.headingPath)) current.push(block);
    else result.push([block]);
  }
  return result;
};

const separator = '\n\n';
const separatorTokens = 1;

/** Blocks of one section → groups of at most `maximumTokens`. Code stays with the words before it where it fits. */
const pack = (section: Block[]): Part[][] => {
  const parts: Part[] = section
    .flatMap((block) => splitBlock(block, maximumTokens))
    .map((block) => ({ block, tokens: countTokens(block.text) }));
  const groups: Part[][] = [];
  let size = 0;
  for (const part of parts) {
    const current = groups.at(-1);
    const together = size + separatorTokens + part.tokens;
    const belongs = part.block.kind !== 'text' && current?.at(-1)?.block.kind === 'text';
    const limit = belongs ? maximumTokens : targetTokens;
    if (current && together <= limit) {
      current.push(part);
      size = together;
    } else {
      groups.push([part]);
      size = part.tokens;
    }
  }
  return groups;
};

/** What the embedding model sees of a chunk, and so what its hash covers. */
export const embeddingText = (title: string, chunk: { headingPath: string[]; text: string }): string => {
  const words = chunk.text.replace(/(```|~~~~)[^]*?\1/g, ' ').replace(/[`*_#|>]+/g, ' ');
  const body = (/\p{L}{3}/u.test(words) ? words : chunk.text).replace(/\s+/g, ' ').trim().slice(0, 900);
  const name = chunk.headingPath.length > 0 ? chunk.headingPath.slice(-2).join(' ') : title;
  return `${name}. ${body}`;
};

/** Blocks → chunks in reading order, each ≤ 512 tokens, none across a heading. */
export const chunk = ({ title, blocks }: Pick<Extracted, 'title' | 'blocks'>): Chunk[] =>
  sections(blocks)
    .flatMap(pack)
    .map((group, ordinal) => {
      const first = group[0]?.block;
      const headingPath = first?.headingPath ?? [];
      const text = group.map((part) => part.block.text).join(separator);
      const contentHash = createHash('sha256').update(embeddingText(title, { headingPath, text })).digest('hex');
      return { ordinal, headingPath, page: first?.page ?? null, text, tokens: countTokens(text), contentHash };
    });
