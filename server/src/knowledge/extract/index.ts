import { clean } from '../clean.ts';
import type { Block, Extracted } from '../types.ts';
import type { Extractor, Reading, SourceFile } from './contract.ts';
import { extractionFailed } from './failure.ts';
import { openSourceFile } from './file.ts';
import type { FileToExtract } from './file.ts';
import { html } from './html.ts';
import { markdown } from './markdown.ts';
import { refuseBinary } from './sniff.ts';
import { text } from './text.ts';
import { wordsOf } from './words.ts';

/** A new format is a new file and a line here. Of several that fit the first is taken. */
export const extractors: Extractor[] = [markdown, html, text];

/** More text than this is no document that things are looked up in: characters, and blocks of them. */
const TEXT_AT_MOST = 20_000_000;
const BLOCKS_AT_MOST = 200_000;

function extractorOf(file: SourceFile, known: Extractor[]): Extractor {
  const recognised = known.find((candidate) => candidate.recognises?.(file.head));
  if (recognised) return recognised;
  refuseBinary(file.head);
  // What knows its bytes has just said that these are none of them.
  const ofText = known.filter((candidate) => !candidate.recognises);
  const extension = file.name.toLowerCase().match(/\.([a-z0-9]{1,8})$/)?.[1];
  const declared = file.mime.toLowerCase().split(';')[0]?.trim() ?? '';
  const found =
    ofText.find((candidate) => extension && candidate.extensions.includes(extension)) ??
    ofText.find((candidate) => candidate.mimes.includes(declared));
  if (found) return found;
  const kind = extension ? `.${extension} files` : `files of type ${declared.slice(0, 60) || 'unknown'}`;
  const readable = known.flatMap((extractor) => extractor.extensions).map((each) => `.${each}`);
  throw extractionFailed(`Parley cannot read ${kind}. It reads ${readable.join(', ')}.`);
}

/**
 * A file → its title and cleaned blocks. The bytes are believed before the name, the name before the declared type.
 * @throws AppError 422 whose message tells the uploader what is wrong
 */
export async function extract(source: FileToExtract, reading: Reading, known = extractors): Promise<Extracted> {
  const file = await openSourceFile(source);
  if (file.size === 0) throw extractionFailed('This file is empty.');
  const found = await extractorOf(file, known).extract(file, reading);
  const all: Block[] = [];
  let size = 0;
  for await (const block of found.blocks) {
    reading.signal.throwIfAborted();
    size += block.text.length;
    if (size > TEXT_AT_MOST) throw extractionFailed('This file holds more than 20 million characters. Split it.');
    if (all.length === BLOCKS_AT_MOST) throw extractionFailed('This file has more than 200,000 paragraphs. Split it.');
    all.push(block);
  }
  const cleaned = clean(all);
  if (cleaned.length === 0) throw extractionFailed('No text was found in this file.');
  const { title, leftOut = [], warnings = [] } = found;
  return { title, blocks: cleaned, wordsRead: found.wordsRead ?? wordsOf(all), leftOut, warnings };
}
