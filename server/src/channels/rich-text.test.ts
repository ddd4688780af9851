import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromMarkdown } from './markdown.ts';
import * as fc from 'fast-check';
import { isVisible, split, type RichText, type SpanType } from './rich-text.ts';

const marks = (rich: RichText) =>
  rich.spans
    .map((span) => [span.type, rich.text.slice(span.start, span.end)])
    .sort((a, b) => String(a).localeCompare(String(b)));

describe('inputs made to hurt', () => {
  const inputs: [string, string][] = [
    ['quotes in quotes', '>'.repeat(100_000)],
    ['quotes in quotes, short enough to be parsed', '>'.repeat(8_000)],
    ['emphasis that never ends', '_a'.repeat(50_000)],
    ['brackets', '['.repeat(100_000)],
    ['lists in lists', Array.from({ length: 400 }, (_, depth) => `${' '.repeat(depth * 2)}- a`).join('\n')],
    ['an endless fence', '```\n' + 'a\n\n'.repeat(30_000)],
    ['a wide table', `|a|b|\n|-|-|\n|${'x'.repeat(3000)}|y|\n${'|1|2|\n'.repeat(900)}`],
  ];
  for (const [name, input] of inputs) {
    test(name, { timeout: 20_000 }, () => {
      const parts = split(fromMarkdown(input), 4096);
      assert.ok(parts.length > 0 && parts.every((part) => part.text.length <= 4096));
      assert.ok(parts.length < 200);
    });
  }
});

test('a block of any length is parsed, in pieces; marks that are open where a piece ends go on in the next', () => {
  const word = '**a** ';
  const many = fromMarkdown(word.repeat(2000));
  assert.equal(many.text, 'a '.repeat(2000).trim());
  assert.equal(many.spans.length, 2000);
  assert.equal(fromMarkdown(`${word.repeat(100).trim()}\n\n`.repeat(60)).spans.length, 6000);
  const whole = (markdown: string, type: SpanType): string => {
    const rich = fromMarkdown(markdown);
    const shown = rich.spans.filter((span) => span.type === type).map(({ start, end }) => rich.text.slice(start, end));
    assert.ok(!/[*_`[\]]/.test(rich.text.replaceAll('•', '')), rich.text.slice(0, 100));
    return shown.join(' ');
  };
  const long = 'some words '.repeat(1500).trim();
  assert.equal(whole(`before **${long}** after`, 'bold'), long);
  assert.equal(whole(`before _${long}_ after`, 'italic'), long);
  assert.equal(whole(`\`${long}\``, 'code'), long);
  assert.equal(whole(`${'- item of a list\n'.repeat(800)}- **last**`, 'bold'), 'last');
  const link = fromMarkdown(
    `${'x'.repeat(7_150)} [${'a label '.repeat(20).trim()}](https://example.com/${'y'.repeat(100)}) end`,
  );
  assert.ok(link.spans.every(({ url }) => url === `https://example.com/${'y'.repeat(100)}`) && link.spans.length > 0);
  assert.ok(!link.text.includes('example.com'));
  const fenced = fromMarkdown(
    'text\n```ts\n' + `${'x'.repeat(100)}\n\n`.repeat(100) + '```\nmore\n\n' + 'word '.repeat(1000),
  );
  assert.deepEqual(
    fenced.spans.map(({ type, language }) => [type, language]),
    [['pre', 'ts']],
    'a blank line inside a fence is no place to cut',
  );
  // A star that is never closed is a star, however long the text is.
  assert.equal(fromMarkdown(`*note: ${long}`).spans.length, 0);
});

test('addresses that are not http are not made clickable', () => {
  for (const href of [
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'tg://user?id=1',
    '//x.example',
  ]) {
    assert.deepEqual(fromMarkdown(`[go](${href})`).spans, [], href);
  }
});

test('a picture becomes a link, not a picture', () => {
  const rich = fromMarkdown('![status](https://example.com/p.png?q=secret)');
  assert.deepEqual(rich, {
    text: 'status',
    spans: [{ type: 'link', start: 0, end: 6, url: 'https://example.com/p.png?q=secret' }],
  });
});

test('marks', () => {
  const rich = fromMarkdown('# Title\n\n**bold *both*** ~~gone~~ `a & b` [**x**](https://example.com/?a=1&amp;b=2)');
  assert.equal(rich.text, 'Title\n\nbold both gone a & b x');
  assert.deepEqual(marks(rich), [
    ['bold', 'bold both'],
    ['bold', 'Title'],
    ['bold', 'x'],
    ['code', 'a & b'],
    ['italic', 'both'],
    ['link', 'x'],
    ['strikethrough', 'gone'],
  ]);
  assert.equal(rich.spans.find((span) => span.type === 'link')?.url, 'https://example.com/?a=1&b=2');
});

test('lists, boxes, quotes, rules, tables, code', () => {
  const markdown = [
    '1. one\n2. two\n   - **in**\n   - in two',
    '- [x] done\n- [ ] open',
    '> quoted\n> more',
    '---',
    '| a | b |\n|---|---|\n| long | *c* |',
    '```ts\nif (a < b) {}\n```',
  ].join('\n\n');
  const rich = fromMarkdown(markdown);
  assert.equal(
    rich.text,
    [
      '1. one\n2. two\n  • in\n  • in two',
      '• ☑ done\n• ☐ open',
      'quoted\nmore',
      '———',
      'a    | b\n-----+--\nlong | c',
      'if (a < b) {}',
    ].join('\n\n'),
  );
  assert.deepEqual(marks(rich), [
    ['blockquote', 'quoted\nmore'],
    ['bold', 'in'],
    ['pre', 'a    | b\n-----+--\nlong | c'],
    ['pre', 'if (a < b) {}'],
  ]);
});

test('raw HTML is shown as it was written, and references are read once', () => {
  assert.equal(fromMarkdown('<script>alert(1)</script>').text, '<script>alert(1)</script>');
  assert.equal(fromMarkdown('a <i>x</i><br>b &lt;b&gt; &amp;lt; &#9731; `&lt;`').text, 'a <i>x</i>\nb <b> &lt; ☃ &lt;');
});

describe('splitting', () => {
  test('between paragraphs, then lines, sentences, words, graphemes', () => {
    const parts = (text: string, limit: number) => split({ text, spans: [] }, limit).map((part) => part.text);
    assert.deepEqual(parts('aaaa aaaa\n\nbbbb bbbb', 12), ['aaaa aaaa', 'bbbb bbbb']);
    assert.deepEqual(parts('aaaa aaaa\nbbbb bbbb', 12), ['aaaa aaaa', 'bbbb bbbb']);
    assert.deepEqual(parts('One two. Three four.', 14), ['One two.', 'Three four.']);
    assert.deepEqual(parts('aaaa bbbb cccc', 10), ['aaaa bbbb', 'cccc']);
    assert.deepEqual(parts('👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧', 20), ['👩‍👩‍👧👩‍👩‍👧', '👩‍👩‍👧']);
    assert.ok(parts(`a${'\u0301'.repeat(100)}`, 10).every((part) => part.length <= 10));
  });

  test('a code block moves whole to the next part, or is cut at a line inside marks of its own', () => {
    const whole = split(fromMarkdown('intro words\n\n```\nline one\nline two\n```'), 24);
    assert.deepEqual(whole.map(marks), [[], [['pre', 'line one\nline two']]]);
    const long = split(fromMarkdown('```\n' + 'a line of code\n'.repeat(10) + '```'), 60);
    assert.ok(long.length > 1);
    for (const part of long) assert.deepEqual(marks(part), [['pre', part.text]]);
  });

  test('marks go on in the next part', () => {
    const parts = split(fromMarkdown(`**${'word '.repeat(10).trim()}**`), 20);
    for (const part of parts) assert.deepEqual(marks(part), [['bold', part.text]]);
  });

  test('what nobody could see is no part', () => {
    assert.deepEqual(split(fromMarkdown(' \n\n\u200b\u2060 '), 100), []);
    assert.equal(isVisible('\u2800\u00a0'), false);
    assert.equal(isVisible('👍'), true);
  });

  test('whatever is cut: no part is too long, no character is in two parts, no mark is lost', () => {
    const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
    const piece = fc.constantFrom(
      ...[
        'word ',
        'Sentence. ',
        '\n',
        '\n\n',
        ' \u0301',
        'e\u0301',
        '👩‍👩‍👧',
        '🇩🇪',
        '👍🏽',
        '\u{1f600}',
        'x'.repeat(30),
        '**',
        '_',
        '`',
        '~~',
      ],
      ...[
        '```\ncode\n```\n',
        '> quoted\n',
        '- item\n',
        '[link](https://example.com/)',
        '\r\n',
        '\u0915\u094d\u0937\u093f',
      ],
    );
    const limits = fc.integer({ min: 40, max: 120 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 80 }), limits, (pieces, limit) => {
        const rich = fromMarkdown(pieces.join(''));
        const parts = split(rich, limit);
        let from = 0;
        for (const { text, spans } of parts) {
          assert.ok(text.length <= limit && text.isWellFormed());
          const at = rich.text.indexOf(text, from);
          assert.ok(at >= from, 'parts follow each other');
          for (const edge of [at, at + text.length]) {
            const around = graphemes.segment(rich.text).containing(edge);
            assert.ok(around === undefined || around.index === edge, `a character is cut at ${edge}`);
          }
          for (const { type, start, end } of rich.spans) {
            const inside = Math.min(end, at + text.length) - Math.max(start, at);
            const shown = spans.some((span) => span.type === type && span.end - span.start === inside);
            assert.ok(inside <= 0 || shown, `${type} goes on`);
          }
          from = at + text.length;
        }
      }),
      { numRuns: 400, seed: 20_261_130 },
    );
  });
});
