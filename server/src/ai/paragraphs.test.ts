import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import fc from 'fast-check';
import { createParagraphs } from './paragraphs.ts';

const collect = (pieces: string[], idleMs = 1_000_000): string[] => {
  const out: string[] = [];
  const buffer = createParagraphs((paragraph) => out.push(paragraph), idleMs);
  for (const piece of pieces) buffer.push(piece);
  buffer.end();
  return out;
};

const blocks = [
  'A sentence. And another one!',
  '```js\nconst a = 1;\n\nconst b = `x`;\n```',
  '- one\n- two with `code`\n\n  still two\n- three',
  '1. first\n2. second',
  '| a | b |\n| --- | --- |\n| 1. | 2. |',
  'See [the docs](https://example.com/a_b) **now**.',
  '~~~~\n```\n\ninner\n~~~~',
  '> quoted.',
  '   ',
  'No end',
  'Grüße 👋 aus Köln.',
];
const text = fc
  .array(fc.oneof(fc.constantFrom(...blocks), fc.string({ maxLength: 20 })), { maxLength: 8 })
  .map((all) => all.join('\n\n'));
const chunked = fc
  .tuple(text, fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 40 }))
  .map(([whole, sizes]) => {
    const pieces: string[] = [];
    for (let at = 0, turn = 0; at < whole.length; turn += 1) {
      const size = sizes[turn % sizes.length] ?? 1;
      pieces.push(whole.slice(at, at + size));
      at += size;
    }
    return { whole, pieces };
  });
const bare = (value: string) => value.replace(/\s+/g, '');

test('whatever the chunking, nothing is lost, doubled or reordered', () => {
  fc.assert(
    fc.property(chunked, ({ whole, pieces }) => {
      assert.equal(bare(collect(pieces).join('\n\n')), bare(whole));
    }),
    { numRuns: 400 },
  );
});

test('idle flushes lose nothing either, and never leave a fence, list or link open', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    fc.assert(
      fc.property(chunked, fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), ({ whole, pieces }, pauses) => {
        const out: string[] = [];
        const flushed: string[] = [];
        const buffer = createParagraphs((paragraph) => out.push(paragraph), 200);
        pieces.forEach((piece, at) => {
          buffer.push(piece);
          const before = out.length;
          if (pauses[at % pauses.length]) mock.timers.tick(200);
          flushed.push(...out.slice(before));
        });
        buffer.end();
        assert.equal(bare(out.join('\n\n')), bare(whole));
        for (const paragraph of flushed)
          assert.doesNotMatch(paragraph.split('\n').at(-1) ?? '', /^\s*(```|[-*+] |\d+\. |\|)/);
      }),
      { numRuns: 400 },
    );
  } finally {
    mock.timers.reset();
  }
});

test('paragraphs do not depend on how the stream was cut', () => {
  fc.assert(
    fc.property(chunked, ({ whole, pieces }) => {
      // Only where no chunk boundary decides: outside of lists the paragraphs are the same.
      if (/^\s*([-*+]|\d+[.)]?)(\s|$)/m.test(whole)) return;
      assert.deepEqual(collect(pieces), collect([whole]));
    }),
    { numRuns: 300 },
  );
});

test('a blank line inside of a fence, and an item that goes on after one, cut nothing', () => {
  assert.deepEqual(collect([blocks[1] ?? '', '\n\nDone.']), [blocks[1], 'Done.']);
  assert.deepEqual(collect([...(blocks[2] ?? ''), '\n', '\n', 'Done.']), [
    blocks[2]?.split('\n\n')[0] + '\n\n  still two\n- three',
    'Done.',
  ]);
});

test('a finished sentence goes out after 200 ms of silence, half a link does not', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const out: string[] = [];
    const buffer = createParagraphs((paragraph) => out.push(paragraph));
    buffer.push('It is done.');
    mock.timers.tick(199);
    assert.deepEqual(out, []);
    mock.timers.tick(1);
    assert.deepEqual(out, ['It is done.']);
    buffer.push(' See [the docs.');
    mock.timers.tick(1000);
    buffer.push('](https://a.b) or `fastify.');
    mock.timers.tick(1000);
    assert.deepEqual(out, ['It is done.']);
    buffer.drop();
    mock.timers.tick(1000);
    assert.deepEqual(out, ['It is done.']);
  } finally {
    mock.timers.reset();
  }
});

test('cut: up to the last whole word, or the last whole line of code, with the mark', () => {
  const cut = (...pieces: string[]): string[] => {
    const out: string[] = [];
    const buffer = createParagraphs((paragraph) => out.push(paragraph), 1_000_000);
    for (const piece of pieces) buffer.push(piece);
    buffer.cut('…');
    return out;
  };
  assert.deepEqual(cut('One.\n\nTwo is long', 'er than th'), ['One.', 'Two is longer than …']);
  assert.deepEqual(cut('Two is longer '), ['Two is longer …']);
  assert.deepEqual(cut('One.\n\n'), ['One.', '…']);
  assert.deepEqual(cut('Word'), ['Word …']);
  assert.deepEqual(cut('```js\nfirst();\nsecond(wi'), ['```js\nfirst();\n…\n```']);
});
