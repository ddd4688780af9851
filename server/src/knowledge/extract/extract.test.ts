import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../platform/errors.ts';
import { extract } from './index.ts';

const file = (content: string | Buffer, name: string, mime = '') => ({ content: Buffer.from(content), mime, name });

const refusal = (content: Buffer | string, name: string, mime = ''): string => {
  try {
    extract(file(content, name, mime));
  } catch (error) {
    assert.ok(error instanceof AppError, String(error));
    assert.equal(error.status, 422);
    return error.message;
  }
  return assert.fail('it should have been refused');
};

describe('what is refused, and in which words', () => {
  const cases: [string, Buffer | string, string, RegExp, string?][] = [
    ['a PDF that calls itself text', '%PDF-1.7\n1 0 obj', 'notes.txt', /This is a PDF, not text/],
    ['a PDF behind a byte order mark', '\ufeff%PDF-1.7', 'notes.md', /This is a PDF/],
    ['a picture', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a]), 'page.html', /PNG picture/],
    ['an Office document', Buffer.from([0x50, 0x4b, 3, 4, 0, 0]), 'a.txt', /ZIP archive or an Office document/],
    ['bytes with NULs', Buffer.from('some\0\0\0text'), 'a.txt', /binary data/],
    ['nothing', '', 'a.txt', /empty/],
    ['white space', ' \n\t\n', 'a.md', /No text was found/],
    ['an unknown type', 'abc', 'a.xyz', /cannot read \.xyz files/, 'application/x-unknown'],
    ['a page nested a hundred thousand deep', '<div>'.repeat(100_000), 'a.html', /nested too deeply/],
    ['a hundred thousand elements', '<b></b>'.repeat(110_000), 'a.html', /100,000 elements/],
  ];
  for (const [name, content, fileName, message, mime = 'text/plain'] of cases) {
    test(name, () => assert.match(refusal(content, fileName, mime), message));
  }
});

test('Markdown: headings become paths, the only level-1 heading the title, contents and front matter go', () => {
  const { title, blocks } = extract(
    file(
      '---\ntags: [x]\n---\n# Guide\n\n- [One](#one)\n  - [Two](#two)\n\n## One\nText with [a link](./x.md) and [another](https://a.b).\n\n### Two\n```js\n# no heading\n```\n> Note: quoted\n\n## Three\n- a\n- b\n',
      'guide.md',
    ),
  );
  assert.equal(title, 'Guide');
  assert.deepEqual(blocks, [
    { kind: 'text', text: 'Text with a link and [another](https://a.b).', headingPath: ['One'] },
    { kind: 'code', text: '```js\n# no heading\n```', headingPath: ['One', 'Two'] },
    { kind: 'text', text: 'Note: quoted', headingPath: ['One', 'Two'] },
    { kind: 'list', text: '- a\n- b', headingPath: ['Three'] },
  ]);
});

test('HTML: the main content with its headings, lists, tables and code; navigation and scripts go', () => {
  const words = 'You may return an item within thirty days of delivery. '.repeat(8);
  const { title, blocks } = extract(
    file(
      `<html><head><title>Shop help</title></head><body><nav><a href="/">Home</a></nav><main><h1>Returns</h1><p>${words}</p><h2>How</h2><ul><li>Pack it</li></ul><table><tr><th>Land</th><th>Days</th></tr><tr><td>DE</td><td>30</td></tr></table><pre><code class="language-js">a()</code></pre></main><script>alert(1)</script><footer>© 2026</footer></body></html>`,
      'help.html',
    ),
  );
  assert.equal(title, 'Shop help');
  const all = blocks.map((block) => `${block.kind} ${block.headingPath.join('/')} ${block.text}`).join('\n');
  for (const expected of ['thirty days', 'list How -   Pack it', '| DE | 30 |', '```js\na()\n```'])
    assert.ok(all.includes(expected), all);
  for (const gone of ['Home', 'alert', '2026']) assert.ok(!all.includes(gone), gone);
});

test('a page too short for the reader is taken whole', () => {
  assert.equal(
    extract(file('<p>Closed on Sundays.</p>', 'x', 'text/html; charset=utf-8')).blocks[0]?.text,
    'Closed on Sundays.',
  );
});

test('text: paragraphs, underlined headings, UTF-16 and Windows-1252', () => {
  const { title, blocks } = extract(file('Shipping\n========\nFree above 60.\n\nMore.', 'our_terms.txt'));
  assert.equal(title, 'our terms');
  assert.deepEqual(
    blocks.map((block) => [block.headingPath[0], block.text]),
    [
      ['Shipping', 'Free above 60.'],
      ['Shipping', 'More.'],
    ],
  );
  assert.equal(extract(file(Buffer.from('\ufeffGrüße', 'utf16le'), 'a.txt')).blocks[0]?.text, 'Grüße');
  assert.equal(extract(file(Buffer.from([0x47, 0x72, 0xfc, 0xdf, 0x65]), 'a.txt')).blocks[0]?.text, 'Grüße');
});

test('any bytes are either read or refused in words', () => {
  const names = fc.constantFrom('a.md', 'a.html', 'a.txt');
  const pieces = fc.array(
    fc.constantFrom('<div>', '</p>', '#', '- ', '`', '[', '](', '|', '\n', '>', '<!--', '&#', 'word ', '\0'),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        pieces.map((all) => Buffer.from(all.join(''))),
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      ),
      names,
      (content, name) => {
        try {
          assert.ok(extract({ content, mime: '', name }).blocks.length > 0);
        } catch (error) {
          assert.ok(error instanceof AppError, `${String(error)} for ${JSON.stringify(content.toString())}`);
        }
      },
    ),
    { numRuns: 300 },
  );
});
