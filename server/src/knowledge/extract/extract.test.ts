import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../platform/errors.ts';
import type { Extractor, Reading } from './contract.ts';
import { countTokens } from '../tokens.ts';
import { extract, extractors } from './index.ts';

const file = (content: string | Buffer, name: string, mime = '') => ({ content: Buffer.from(content), mime, name });

const reading: Reading = { signal: new AbortController().signal, progress: () => undefined };

const refusal = async (content: Buffer | string, name: string, mime = ''): Promise<string> => {
  try {
    await extract(file(content, name, mime), reading);
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
    test(name, async () => assert.match(await refusal(content, fileName, mime), message));
  }
});

test('Markdown: headings become paths, the only level-1 heading the title, contents and front matter go', async () => {
  const { title, blocks } = await extract(
    file(
      '---\ntags: [x]\n---\n# Guide\n\n- [One](#one)\n  - [Two](#two)\n\n## One\nText with [a link](./x.md) and [another](https://a.b).\n\n### Two\n```js\n# no heading\n```\n> Note: quoted\n\n## Three\n- a\n- b\n',
      'guide.md',
    ),
    reading,
  );
  assert.equal(title, 'Guide');
  assert.deepEqual(blocks, [
    { kind: 'text', text: 'Text with a link and [another](https://a.b).', headingPath: ['One'] },
    { kind: 'code', text: '```js\n# no heading\n```', headingPath: ['One', 'Two'] },
    { kind: 'text', text: 'Note: quoted', headingPath: ['One', 'Two'] },
    { kind: 'list', text: '- a\n- b', headingPath: ['Three'] },
  ]);
});

test('HTML: the main content with its headings, lists, tables and code; navigation and scripts go', async () => {
  const words = 'You may return an item within thirty days of delivery. '.repeat(8);
  const { title, blocks } = await extract(
    file(
      `<html><head><title>Shop help</title></head><body><nav><a href="/">Home</a></nav><main><h1>Returns</h1><p>${words}</p><h2>How</h2><ul><li>Pack it</li></ul><table><tr><th>Land</th><th>Days</th></tr><tr><td>DE</td><td>30</td></tr></table><pre><code class="language-js">a()</code></pre></main><script>alert(1)</script><footer>© 2026</footer></body></html>`,
      'help.html',
    ),
    reading,
  );
  assert.equal(title, 'Shop help');
  const all = blocks.map((block) => `${block.kind} ${block.headingPath.join('/')} ${block.text}`).join('\n');
  for (const expected of ['thirty days', 'list How -   Pack it', '| DE | 30 |', '```js\na()\n```'])
    assert.ok(all.includes(expected), all);
  for (const gone of ['Home', 'alert', '2026']) assert.ok(!all.includes(gone), gone);
});

describe('what is too much is refused in words', () => {
  const many = (block: (index: number) => string, count: number): Extractor => ({
    name: 'many',
    mimes: [],
    extensions: [],
    recognises: () => true,
    extract: async () => ({
      title: 'Many',
      blocks: (function* () {
        for (let index = 0; index < count; index += 1)
          yield { kind: 'text' as const, text: block(index), headingPath: [] };
      })(),
    }),
  });
  const refused = (extractor: Extractor) =>
    assert.rejects(
      extract(file('x', 'x'), reading, [extractor]),
      (error) => error instanceof AppError && error.status === 422,
    );
  test('characters', () => refused(many(() => 'a'.repeat(1_000_001), 20)));
  test('paragraphs', () => refused(many((index) => `a ${index}`, 200_001)));
});

test('text without a blank, of any length, is read; progress is reported', async () => {
  const shares: number[] = [];
  const progress = (share: number) => void shares.push(share);
  const { blocks } = await extract(file(`${'word '.repeat(200_000)}\n\n`.repeat(4), 'a.txt'), { ...reading, progress });
  assert.equal(blocks.length, 1, 'the same paragraph again and again is one');
  assert.deepEqual(shares.length, 3);
  assert.equal(countTokens('a'.repeat(9_000_000)) > 1_000_000, true);
});

test('a page too short for the reader is taken whole', async () => {
  assert.equal(
    (await extract(file('<p>Closed on Sundays.</p>', 'x', 'text/html; charset=utf-8'), reading)).blocks[0]?.text,
    'Closed on Sundays.',
  );
});

test('text: paragraphs, underlined headings, UTF-16 and Windows-1252', async () => {
  const { title, blocks } = await extract(
    file('Shipping\n========\nFree above 60.\n\nMore.', 'our_terms.txt'),
    reading,
  );
  assert.equal(title, 'our terms');
  assert.deepEqual(
    blocks.map((block) => [block.headingPath[0], block.text]),
    [
      ['Shipping', 'Free above 60.'],
      ['Shipping', 'More.'],
    ],
  );
  const firstOf = async (bytes: Buffer) => (await extract(file(bytes, 'a.txt'), reading)).blocks[0]?.text;
  assert.equal(await firstOf(Buffer.from('\ufeffGrüße', 'utf16le')), 'Grüße');
  assert.equal(await firstOf(Buffer.from([0x47, 0x72, 0xfc, 0xdf, 0x65])), 'Grüße');
});

test('any bytes are either read or refused in words', async () => {
  const names = fc.constantFrom('a.md', 'a.html', 'a.txt');
  const pieces = fc.array(
    fc.constantFrom('<div>', '</p>', '#', '- ', '`', '[', '](', '|', '\n', '>', '<!--', '&#', 'word ', '\0'),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        pieces.map((all) => Buffer.from(all.join(''))),
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      ),
      names,
      async (content, name) => {
        try {
          assert.ok((await extract({ content, mime: '', name }, reading)).blocks.length > 0);
        } catch (error) {
          assert.ok(error instanceof AppError, `${String(error)} for ${JSON.stringify(content.toString())}`);
        }
      },
    ),
    { numRuns: 300 },
  );
});

describe('a format of bytes', () => {
  /** Lines between form feeds, behind a mark that a text would be refused for. */
  const pages: Extractor = {
    name: 'pages',
    mimes: ['application/x-pages'],
    extensions: ['pages'],
    recognises: (head) => head.subarray(0, 4).equals(Buffer.from([0, 1, 2, 3])),
    async extract(source, { progress }) {
      async function* blocks() {
        let read = 0;
        let rest = Buffer.alloc(0);
        let page = 1;
        for await (const piece of source.open()) {
          read += piece.length;
          rest = Buffer.concat([rest, piece]);
          for (let end = rest.indexOf(12); end !== -1; end = rest.indexOf(12)) {
            yield { kind: 'text' as const, text: rest.subarray(0, end).toString(), headingPath: [], page: page++ };
            rest = rest.subarray(end + 1);
          }
          progress(read / source.size);
        }
      }
      return { title: 'Pages', blocks: blocks() };
    },
  };
  const known = [...extractors, pages];
  const bytes = Buffer.concat([Buffer.from([0, 1, 2, 3]), Buffer.from('first\fsecond\f'.repeat(20_000))]);

  test('is recognised by its bytes, whatever its name says, and read in pieces from the disk', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-extract-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'upload');
    writeFileSync(path, bytes);
    const shares: number[] = [];
    const progress = (share: number) => void shares.push(share);
    const { title, blocks } = await extract(
      { name: 'notes.txt', mime: 'text/plain', path, size: bytes.length },
      { ...reading, progress },
      known,
    );
    assert.equal(title, 'Pages');
    assert.equal(blocks.length, 40_000);
    assert.deepEqual([blocks[1]?.text, blocks[1]?.page], ['second', 2]);
    assert.ok(shares.length > 2 && shares.at(-1) === 1, 'it came in pieces');
  });

  test('is not taken by its name alone', async () => {
    const fake = { content: Buffer.from('no such mark'), mime: 'application/x-pages', name: 'a.pages' };
    await assert.rejects(extract(fake, reading, known), /cannot read \.pages files/);
  });

  test('is no longer read when nobody waits', async () => {
    const gone = { signal: AbortSignal.abort(new Error('gone')), progress: () => undefined };
    await assert.rejects(extract({ content: bytes, mime: '', name: 'a' }, gone, known), /gone/);
  });
});
