import { chunk, embeddingText } from './chunk.ts';
import { clean } from './clean.ts';
import type { Reading } from './extract/contract.ts';
import type { FileToExtract } from './extract/file.ts';
import { extract } from './extract/index.ts';
import { parseMarkdown } from './extract/markdown.ts';
import { countWords, wordsOf } from './extract/words.ts';
import type { Chunk, Extracted, Warning } from './types.ts';

/** What a source holds, by its type. A website's page comes as the file that was fetched. */
export type SourceContent =
  | { type: 'faq'; question: string; answer: string }
  | { type: 'snippet'; title: string; text: string }
  | { type: 'document' | 'website'; file: FileToExtract };

/** Words of the original, and how many of them stand in its chunks. */
export type Words = { read: number; searchable: number };

/** The chunks with the text that is embedded for each. */
export type Prepared = {
  title: string;
  chunks: (Chunk & { embeds: string })[];
  words: Words;
  warnings: Warning[];
};

/** Where less of the words can be found, the person who added the source is told. */
const MOST = 0.9;

/** Content → chunks. @throws AppError 422 when there is no text to be had */
export async function prepare(content: SourceContent, reading: Reading): Promise<Prepared> {
  const extracted = await read(content, reading);
  const { title, wordsRead, leftOut, warnings } = extracted;
  const chunks = chunk(extracted).map((part) => ({ ...part, embeds: embeddingText(title, part) }));
  // Repeated heads of split tables would count twice.
  const searchable = Math.min(wordsRead, wordsOf(chunks) + countWords(title));
  const words = { read: wordsRead, searchable };
  return { title, chunks, words, warnings: [...warnings, ...whatIsLost(words, leftOut)] };
}

function whatIsLost({ read, searchable }: Words, leftOut: string[]): Warning[] {
  if (searchable >= read * MOST) return [];
  const parts = leftOut.length > 0 ? leftOut.join(', ') : 'parts that were not understood';
  const message = `${Math.floor((100 * searchable) / read)} % of the words are searchable. Left out: ${parts}.`;
  return [{ code: 'words_left_out', message }];
}

/** What people typed into a form. */
function typed(title: string, text: string): Extracted {
  const { blocks, wordsRead = 0, leftOut = [] } = parseMarkdown(text, title);
  return {
    title: title.trim(),
    blocks: clean(blocks),
    wordsRead: wordsRead + countWords(title),
    leftOut,
    warnings: [],
  };
}

async function read(content: SourceContent, reading: Reading): Promise<Extracted> {
  if (content.type === 'faq') return typed(content.question, content.answer);
  if (content.type === 'snippet') return typed(content.title, content.text);
  return extract(content.file, reading);
}
