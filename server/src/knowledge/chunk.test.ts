import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chunk, maximumTokens } from './chunk.ts';
import { parseMarkdown } from './extract/markdown.ts';
import { countTokens } from './tokens.ts';

const chunksOf = (markdown: string) => chunk(parseMarkdown(markdown, 'test.md'));
const sentence = (name: string, times: number) =>
  Array.from({ length: times }, (_, at) => `The ${name} number ${at} is described here.`).join(' ');

test('no chunk is above 512 tokens, whatever comes', () => {
  const piece = fc.constantFrom(
    '# H\n',
    '## Two\n',
    '```\ncode\n```\n',
    '- item\n',
    '| a | b |\n|---|---|\n| 1 | 2 |\n',
    'x'.repeat(4000),
    '語'.repeat(1500),
    `${sentence('thing', 80)}\n`,
    '\n',
    '👋'.repeat(900),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      for (const { text, tokens } of chunksOf(pieces.join('\n'))) {
        assert.ok(tokens <= maximumTokens, `${tokens}`);
        assert.equal(tokens, countTokens(text));
      }
    }),
    { numRuns: 60 },
  );
});

test('a chunk never crosses a heading and keeps its path', () => {
  const chunks = chunksOf(`# Title\n\nIntro.\n\n## A\n\n${sentence('a', 60)}\n\n### B\n\nShort.\n\n## C\n\nLast.`);
  assert.deepEqual([...new Set(chunks.map((part) => part.headingPath.join('/')))], ['', 'A', 'A/B', 'C']);
  assert.deepEqual(
    chunks.map((part) => part.ordinal),
    chunks.map((_, at) => at),
  );
});

test('a code block that fits is never cut, and stays with the words before it', () => {
  const code = `\`\`\`js\n${Array.from({ length: 60 }, (_, at) => `call(${at});`).join('\n')}\n\`\`\``;
  const chunks = chunksOf(`${sentence('a', 12)}\n\n${sentence('b', 3)}\n\n${code}\n\n${sentence('c', 20)}`);
  const holder = chunks.find((part) => part.text.includes('call(0)'));
  assert.ok(holder && holder.text.includes(code));
  assert.ok(holder.text.includes('b number 2'));
});

test('a code block too large for one chunk is cut between lines, each part fenced', () => {
  const lines = Array.from({ length: 400 }, (_, at) => `const value${at} = compute(${at});`);
  const chunks = chunksOf(`\`\`\`ts\n${lines.join('\n')}\n\`\`\``);
  assert.ok(chunks.length > 3);
  for (const { text } of chunks) assert.match(text, /^```ts\n[^]*\n```$/);
  assert.deepEqual(
    chunks.flatMap(({ text }) => text.split('\n').slice(1, -1)),
    lines,
  );
});

test('a long table repeats its head in every part', () => {
  const rows = Array.from({ length: 120 }, (_, at) => `| code ${at} | what it means, in some words |`);
  const chunks = chunksOf(`| Code | Meaning |\n| --- | --- |\n${rows.join('\n')}`);
  assert.ok(chunks.length > 1);
  for (const { text } of chunks) assert.match(text, /^\| Code \| Meaning \|\n\| --- \| --- \|\n/);
});

test('only cut prose overlaps, by a sentence; nothing of it is lost', () => {
  const prose = sentence('thing', 120);
  const chunks = chunksOf(prose);
  const joined = chunks.map((part) => part.text).join(' ');
  for (let at = 0; at < 120; at += 1) assert.ok(joined.includes(`number ${at} is`));
  const firstOf = (text: string) => text.split('.')[0] ?? '';
  assert.ok(chunks[0]?.text.includes(firstOf(chunks[1]?.text ?? '')));
});

test('the hash follows what the embedding sees', () => {
  const [one] = chunksOf('# T\n\n## A\n\nWords.');
  const [same] = chunksOf('# T\n\n## A\n\nWords.');
  const [other] = chunksOf('# T\n\n## B\n\nWords.');
  assert.equal(one?.contentHash, same?.contentHash);
  assert.notEqual(one?.contentHash, other?.contentHash);
});
