import { chunk, embeddingText } from './chunk.ts';
import { clean } from './clean.ts';
import type { Reading } from './extract/contract.ts';
import type { FileToExtract } from './extract/file.ts';
import { extract } from './extract/index.ts';
import { parseMarkdown } from './extract/markdown.ts';
import type { Chunk, Extracted } from './types.ts';

/** What a source holds, by its type. A website's page comes as the file that was fetched. */
export type SourceContent =
  | { type: 'faq'; question: string; answer: string }
  | { type: 'snippet'; title: string; text: string }
  | { type: 'document' | 'website'; file: FileToExtract };

/** The chunks with the text that is embedded for each. */
export type Prepared = { title: string; chunks: (Chunk & { embeds: string })[] };

/** Content → chunks. @throws AppError 422 when there is no text to be had */
export async function prepare(content: SourceContent, reading: Reading): Promise<Prepared> {
  const extracted = await read(content, reading);
  const { title } = extracted;
  const chunks = chunk(extracted).map((part) => ({ ...part, embeds: embeddingText(title, part) }));
  return { title, chunks };
}

async function read(content: SourceContent, reading: Reading): Promise<Extracted> {
  if (content.type === 'faq') {
    const { blocks } = parseMarkdown(content.answer, content.question);
    return { title: content.question.trim(), blocks: clean(blocks) };
  }
  if (content.type === 'snippet') {
    const { blocks } = parseMarkdown(content.text, content.title);
    return { title: content.title.trim(), blocks: clean(blocks) };
  }
  return extract(content.file, reading);
}
