import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { parseHtml } from '../../test/doubles/telegram-entities.ts';
import type { OutboundMessage } from '../contract.ts';
import { render, toPlain } from './render.ts';

const outbound = (text: string, more: Partial<OutboundMessage> = {}): OutboundMessage => ({
  messageId: '0198c4a2-7b1e-7c3d-9a55-0d2f6b8e4a10',
  author: { type: 'bot', id: null, name: 'Parley' },
  text,
  citations: [],
  attachments: [],
  ...more,
});
const html = (text: string, more: Partial<OutboundMessage> = {}): string[] =>
  render(outbound(text, more)).map((part) => String(part.body['text']));
const file = (name: string, mime: string, size: number) => ({
  id: '0198c4a3-22bb-7f00-8c00-5d1f6b8e4a13',
  name,
  mime,
  size,
});

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ maxLength: 300 }),
  fc
    .array(
      fc.constantFrom(
        ...[
          '**',
          '*',
          '_',
          '~~',
          '`',
          '```\n',
          '```',
          '\n',
          '\n\n',
          '> ',
          '- ',
          '1. ',
          '# ',
          '|',
          '|-|',
          '[',
          '](',
          ')',
        ],
        ...['https://example.com/?a="<b>&', '![', '<b>', '</b>', '<br>', '<!--', '&lt', '&#0;', '&#xd800;', '<', '>'],
        ...['&', '"', "'", '\\', 'word ', '👩‍👩‍👧', 'é', '\ud800', '\u0000', '\u200f', '  ', 'x'.repeat(900), 'Sentence. '],
      ),
      { maxLength: 60 },
    )
    .map((pieces) => pieces.join('')),
);
const citation = fc.record({
  number: fc.integer({ min: 1, max: 9 }),
  title: fc.string({ unit: 'binary', maxLength: 120 }),
  url: fc.oneof(fc.constant(null), fc.webUrl(), fc.string()),
});

test('whatever is said, Telegram reads every part, none is empty or over 4096, and rendering is pure', () => {
  fc.assert(
    fc.property(hostile, fc.array(citation, { maxLength: 3 }), (text, citations) => {
      const message = outbound(text, { citations });
      const parts = render(message);
      assert.deepEqual(render(message), parts);
      parts.forEach((part, index) => {
        assert.equal(part.ordinal, index);
        const source = String(part.body['text']);
        assert.ok(source.isWellFormed() && !source.includes('\u0000'));
        const read = parseHtml(source);
        assert.ok(read.text.length <= 4096);
        assert.notEqual(read.text.trim(), '');
        assert.equal(toPlain(source), read.text);
        for (const entity of read.entities) {
          if (entity.type === 'text_link') assert.match(entity.url ?? '', /^https?:\/\//);
        }
      });
    }),
    { numRuns: 1500 },
  );
});

test('nothing said is lost', () => {
  const words = Array.from({ length: 3000 }, (_, index) => `w${index}`);
  const paragraphs = words.map((word, index) => (index % 40 === 39 ? `${word}.\n\n` : `${word} `)).join('');
  const parts = html(paragraphs);
  assert.ok(parts.length > 3);
  assert.deepEqual(parts.join(' ').match(/w\d+/g), words);
  for (const part of parts.slice(0, -1)) assert.match(part, /\.$/, 'cut between paragraphs');
});

test('parts are filled to the limit, and not over', () => {
  const lengths = html('x'.repeat(10_000)).map((part) => part.length);
  assert.deepEqual(lengths, [4096, 4096, 1808]);
});

describe('dialect', () => {
  test('escaping', () => {
    assert.deepEqual(html('a < b & c > d "e"'), ['a &lt; b &amp; c &gt; d "e"']);
    assert.deepEqual(html('[x](https://example.com/?a=1&b=%22)'), [
      '<a href="https://example.com/?a=1&amp;b=%22">x</a>',
    ]);
  });

  test('marks nest', () => {
    assert.deepEqual(html('***both*** and **a *b* c**'), ['<i><b>both</b></i> and <b>a <i>b</i> c</b>']);
    assert.deepEqual(html('```js\na<b\n```'), ['<pre><code class="language-js">a&lt;b</code></pre>']);
    assert.deepEqual(html('> a\n> - **b**'), ['<blockquote>a\n• <b>b</b></blockquote>']);
  });

  test('Telegram previews no address', () => {
    const [part] = render(outbound('https://example.com'));
    assert.deepEqual(part?.body['link_preview_options'], { is_disabled: true });
  });
});

test('sources: only addresses a reader can open, once each, in their numbers', () => {
  const citations = [
    { number: 1, title: 'Shipping <times>', url: 'https://example.com/shipping' },
    { number: 2, title: 'Internal note', url: null },
    { number: 3, title: 'Shipping again', url: 'https://example.com/shipping' },
    { number: 4, title: 'Odd', url: 'javascript:alert(1)' },
    { number: 5, title: '', url: 'https://example.com/returns' },
  ];
  assert.deepEqual(html('Two days [1].', { citations }), [
    'Two days [1].\n\n[1] <a href="https://example.com/shipping">Shipping &lt;times&gt;</a>\n[5] <a href="https://example.com/returns">example.com</a>',
  ]);
});

test('attachments follow the text, as photos where Telegram takes them as such', () => {
  const attachments = [
    file('a.png', 'image/png', 1000),
    file('b.svg', 'image/svg+xml', 1000),
    file('c.jpg', 'image/jpeg', 11 * 1024 * 1024),
    file('d.pdf', 'application/pdf', 1000),
  ];
  const parts = render(outbound('Here:', { attachments }));
  assert.deepEqual(
    parts.map((part) => [part.ordinal, part.method, part.attachment?.name]),
    [
      [0, 'sendMessage', undefined],
      [1, 'sendPhoto', 'a.png'],
      [2, 'sendDocument', 'b.svg'],
      [3, 'sendDocument', 'c.jpg'],
      [4, 'sendDocument', 'd.pdf'],
    ],
  );
  assert.equal(render(outbound('', { attachments: attachments.slice(0, 1) })).length, 1);
});
