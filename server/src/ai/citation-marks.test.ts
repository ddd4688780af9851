import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCitationMarks, withoutFootnotes } from './citation-marks.ts';
import type { Passage } from './retrieval.ts';

const passages = new Map(['p1', 'p2', 'p3'].map((id) => [id, { chunkId: `chunk-${id}` } as Passage]));

test('numbers of sources are one numbering, in the order a reader meets them', () => {
  const marks = createCitationMarks();
  const number = (text: string) => marks.number(text, passages);
  assert.equal(number('Five days [p3]. And more [p1, p3].'), 'Five days [1]. And more [2][1].');
  assert.equal(number('Six days[2].'), 'Six days[3].');
  assert.equal(number('Seven 【1†source】 days [^3].'), 'Seven [2] days [1].');
  assert.deepEqual(
    marks.cited().map(({ chunkId }) => chunkId),
    ['chunk-p3', 'chunk-p1', 'chunk-p2'],
  );
});

test('what names nothing never reaches a reader; code, links and words in brackets stay', () => {
  const number = (text: string) => createCitationMarks().number(text, passages);
  assert.equal(number('Five days [9].'), 'Five days.');
  assert.equal(number('[p12]'), '');
  for (const text of [
    'See `list[1]` here.',
    '```\nlist[1]\n```',
    '[1](https://example.com)',
    'the [beta] program',
    'in [2024]',
  ])
    assert.equal(number(text), text);
  assert.equal(
    withoutFootnotes('Founded in 1910. [12] It has list[0] and more [3].'),
    'Founded in 1910. It has list[0] and more.',
  );
});
