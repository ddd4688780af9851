import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { OutboundMessage } from '../contract.ts';
import { render } from './render.ts';

const bodies = (
  text: string,
  author: 'bot' | 'agent' = 'bot',
  citations: OutboundMessage['citations'] = [],
): string[] =>
  render({
    messageId: '0198c4a2-7b1e-7c3d-9a55-0d2f6b8e4a10',
    author: { type: author, id: null, name: 'Parley' },
    text,
    citations,
    attachments: [],
  }).map(({ body }) => (body['text'] as { body: string }).body);

test('every part is within 4096 characters with its marks and addresses, and no word is lost', () => {
  const address = `https://example.com/${'a'.repeat(300)}`;
  const piece = fc.constantFrom(
    ...[
      'words of it ',
      '**bold** ',
      '_soft_ ',
      `[label](${address}) `,
      '\n',
      '\n\n',
      '> quoted\n',
      '👩‍👩‍👧',
      'x'.repeat(700),
    ],
    ...['```\ncode\n```\n', `**${'long '.repeat(200).trim()}** `],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = pieces.join('');
      const parts = bodies(text, 'bot', [
        { number: 1, title: 'Source', url: `https://example.com/${'b'.repeat(4_000)}` },
      ]);
      assert.ok(parts.every((part) => part.length <= 4096 && part.isWellFormed()));
      const count = (words: string, all: string) => all.split(words).length;
      assert.equal(count('long', parts.join('\n')), count('long', text));
      assert.equal(count('label', parts.join('\n')), count('label', text));
    }),
    { numRuns: 300, seed: 20_261_130 },
  );
});

test('marks stand on each line of their own, since WhatsApp reads none over several', () => {
  assert.deepEqual(bodies('**one\ntwo** and _soft_'), ['*one*\n*two* and _soft_']);
  assert.deepEqual(bodies('> one\n> two'), ['> one\n> two']);
});

test('what an agent typed is not touched', () => {
  const typed = 'Dial *123*456# **now** [1](x)\n- _wait_';
  assert.deepEqual(bodies(typed, 'agent'), [typed]);
});
