import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { SourceContent } from '../../knowledge/index.ts';

const item = z.object({
  id: z.string(),
  /** test items are held out: nothing is calibrated on them */
  split: z.enum(['train', 'test']),
  question: z.string(),
  /** null: the sources do not say, and the right answer is to decline */
  expect: z
    .object({
      /** where the answer stands; any of them. `heading` is a part of the heading path, '' for the whole file */
      places: z.array(z.object({ file: z.string(), heading: z.string() })).min(1),
      /** words the answer must hold; any of them */
      facts: z.array(z.string()).min(1),
    })
    .nullable(),
});

const golden = z.object({
  name: z.string(),
  about: z.string(),
  /** Markdown files below a folder of an installed package, or of this repository */
  documents: z.object({ package: z.string().optional(), folder: z.string() }).optional(),
  faqs: z.array(z.object({ question: z.string(), answer: z.string() })).optional(),
  snippets: z.array(z.object({ title: z.string(), text: z.string() })).optional(),
  items: z.array(item).min(1),
});

export type Golden = z.infer<typeof golden>;
export type GoldenItem = Golden['items'][number];
export type NamedSource = { file: string; content: SourceContent };

const here = import.meta.dirname;
const repository = join(here, '../../../..');

export const goldenNames = (): string[] => readdirSync(join(here, 'golden')).map((file) => file.replace(/\.json$/, ''));

export const loadGolden = (name: string): Golden =>
  golden.parse(JSON.parse(readFileSync(join(here, 'golden', `${name}.json`), 'utf8')));

const folderOf = ({ package: name, folder }: { package?: string | undefined; folder: string }): string =>
  name
    ? join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), folder)
    : join(repository, folder);

/** Everything the set's questions are asked about. `file` is what `places` name: a path below the folder, or the title. */
export const goldenSources = (set: Golden): NamedSource[] => {
  const root = set.documents ? folderOf(set.documents) : '';
  const files = set.documents ? readdirSync(root, { recursive: true, encoding: 'utf8' }).sort() : [];
  return [
    ...files
      .filter((file) => file.endsWith('.md'))
      .map((file): NamedSource => {
        const content = readFileSync(join(root, file));
        return { file, content: { type: 'document', file: { content, mime: 'text/markdown', name: file } } };
      }),
    ...(set.faqs ?? []).map((faq): NamedSource => ({ file: faq.question, content: { type: 'faq', ...faq } })),
    ...(set.snippets ?? []).map((snippet): NamedSource => ({
      file: snippet.title,
      content: { type: 'snippet', ...snippet },
    })),
  ];
};
