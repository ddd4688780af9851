import { clean } from '../clean.ts';
import type { Extracted } from '../types.ts';
import { extractionFailed } from './failure.ts';
import { extractHtml } from './html.ts';
import { extractMarkdown } from './markdown.ts';
import { refuseBinary } from './sniff.ts';
import { extractText } from './text.ts';

type Extractor = { mimes: string[]; extensions: string[]; extract: (content: Buffer, name: string) => Extracted };

/** A new type is a new file and a line here. The first that knows the extension or the declared type wins. */
const extractors: Extractor[] = [
  { mimes: ['text/markdown', 'text/x-markdown'], extensions: ['md', 'markdown', 'mdx'], extract: extractMarkdown },
  { mimes: ['text/html', 'application/xhtml+xml'], extensions: ['html', 'htm', 'xhtml'], extract: extractHtml },
  { mimes: ['text/plain'], extensions: ['txt', 'text', 'log', 'rst'], extract: extractText },
];

/** What an upload field may accept. */
export const acceptedExtensions = extractors.flatMap((extractor) => extractor.extensions);

export type FileToExtract = { content: Buffer; mime: string; name: string };

/**
 * A file → its title and cleaned blocks. The bytes are believed before the name, the name before the declared type.
 * @throws AppError 422 whose message tells the uploader what is wrong
 */
export const extract = ({ content, mime, name }: FileToExtract): Extracted => {
  if (content.length === 0) throw extractionFailed('This file is empty.');
  refuseBinary(content);
  const extension = name.toLowerCase().match(/\.([a-z0-9]{1,8})$/)?.[1];
  const declared = mime.toLowerCase().split(';')[0]?.trim() ?? '';
  const extractor =
    extractors.find((candidate) => extension && candidate.extensions.includes(extension)) ??
    extractors.find((candidate) => candidate.mimes.includes(declared));
  if (!extractor) {
    const kind = extension ? `.${extension} files` : `files of type ${declared.slice(0, 60) || 'unknown'}`;
    throw extractionFailed(
      `Parley cannot read ${kind}. It reads ${acceptedExtensions.map((e) => `.${e}`).join(', ')}.`,
    );
  }
  const { title, blocks } = extractor.extract(content, name);
  const cleaned = clean(blocks);
  if (cleaned.length === 0) throw extractionFailed('No text was found in this file.');
  return { title, blocks: cleaned };
};
