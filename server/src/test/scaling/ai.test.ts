import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCitationMarks, withoutFootnotes } from '../../ai/citation-marks.ts';
import { createParagraphs } from '../../ai/paragraphs.ts';
import { createReplyReader } from '../../ai/reply-reader.ts';
import { withoutRepeats } from '../../ai/repeats.ts';
import { units } from '../../ai/sentences.ts';
import { phraseTerms } from '../../ai/synonyms.ts';
import { contentTerms, standalone } from '../../ai/terms.ts';
import { stems } from '../../ai/words.ts';
import { languageOf } from '../../engine/language.ts';
import { chunk } from '../../knowledge/chunk.ts';
import { clean } from '../../knowledge/clean.ts';
import { cutForModel } from '../../knowledge/embed.ts';
import { extract } from '../../knowledge/extract/index.ts';
import { countTokens } from '../../knowledge/tokens.ts';
import type { BlockKind } from '../../knowledge/types.ts';
import { assertLinear, filled, hostilePatterns, type Work } from './scaling.ts';

/** In characters: the longest message from outside; more of a reply than is read; a source, of which length alone counts. */
const MESSAGE = 100_000;
const REPLY = 40_000;
const SOURCE = 32_000;

const onText =
  (pattern: string, work: (text: string) => unknown): Work =>
  (n) => {
    const text = filled(pattern, n);
    return () => work(text);
  };

const swallow = (): void => undefined;

const readParagraphs = (text: string, size: number): void => {
  const buffer = createParagraphs(swallow, 1_000_000);
  for (let at = 0; at < text.length; at += size) buffer.push(text.slice(at, at + size));
  buffer.end();
};

const readReply = (reply: string): void => {
  const buffer = createParagraphs(swallow, 1_000_000);
  const reader = createReplyReader({ onVerdict: swallow, onReply: buffer.push });
  const text = JSON.stringify({ have_enough_information_for_reply: 'YES', reply, citations: [] });
  for (let at = 0; at < text.length; at += 4) reader.push(text.slice(at, at + 4));
  buffer.end();
};

const readAround = (text: string): void => {
  const reader = createReplyReader({ onVerdict: swallow, onReply: swallow });
  const whole = `Words <think>${text}`;
  for (let at = 0; at < whole.length; at += 4) reader.push(whole.slice(at, at + 4));
  reader.end();
};

const chunks = (kind: BlockKind) => (text: string) =>
  chunk({ title: 'A title', blocks: [{ kind, text, headingPath: ['One', 'Two'] }] });

const file = (name: string) => (text: string) =>
  extract(
    { content: Buffer.from(text), mime: 'text/plain', name },
    { signal: new AbortController().signal, progress: () => undefined },
  ).catch(() => {
    // Refused in words: as good as read, and as quick.
    return undefined;
  });

/** name, the largest input in characters (half of it is compared with all of it), the work */
const works: [string, number, (text: string) => unknown][] = [
  ['paragraphs of a stream, letter by letter', REPLY, (text) => readParagraphs(text, 1)],
  ['paragraphs of one piece', REPLY, (text) => readParagraphs(text, text.length)],
  ['a reply as it streams', REPLY, readReply],
  ['words around a reply', REPLY, readAround],
  ['repeats in a reply', REPLY, (text) => withoutRepeats([text])(text)],
  ['sentences, items and rows', MESSAGE, units],
  ['words and stems', MESSAGE, stems],
  ['phrases', MESSAGE, phraseTerms],
  ['search terms', MESSAGE, contentTerms],
  ['a question that leans on the one before', MESSAGE, (text) => standalone(text, [{ role: 'user', text }])],
  ['language', MESSAGE, (text) => languageOf(text, { earlier: [text], fallbacks: ['en'] })],
  ['marks of sources', REPLY, (text) => createCitationMarks().number(text, new Map())],
  ['footnotes of a quotation', REPLY, withoutFootnotes],
  ['tokens', MESSAGE, countTokens],
  ['what the embedding model is shown', MESSAGE, cutForModel],
  ['cleaning', SOURCE, (text) => clean([{ kind: 'text', text, headingPath: [], page: 1 }])],
  ['chunks of text', SOURCE, chunks('text')],
  ['chunks of a list', SOURCE, chunks('list')],
  ['chunks of a table', SOURCE, chunks('table')],
  ['chunks of code', SOURCE, chunks('code')],
  ['a file of text', SOURCE, file('a.txt')],
  ['a file of Markdown', SOURCE, file('a.md')],
  ['a page of HTML', SOURCE, file('a.html')],
];

/** Twice the input takes at most 2.5 times the time, whatever a stranger writes. */
for (const [name, size, work] of works) {
  describe(name, () => {
    for (const [what, pattern] of Object.entries(hostilePatterns))
      test(what, () => assertLinear(`${name}: ${what}`, onText(pattern, work), size / 2, 'here'));
  });
}

test('the measure finds what is quadratic', async () => {
  const rescans: Work = (n) => {
    const text = filled('a ', n);
    return () => {
      let found = 0;
      for (let at = 0; at < text.length; at += 16) found += text.slice(at).split(' ').length;
      return found;
    };
  };
  await assert.rejects(assertLinear('rescans', rescans, 4_000), /twice the input of 4000 takes \d/);
});
