import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { prepare } from '../prepare.ts';
import type { Reading } from './contract.ts';
import { countWords } from './words.ts';

const reading: Reading = { signal: new AbortController().signal, progress: () => undefined };
const read = (name: string, content: string | Buffer, mime = '') =>
  prepare({ type: 'document', file: { name, mime, content: Buffer.from(content) } }, reading);
const textOf = ({ chunks }: Awaited<ReturnType<typeof read>>): string =>
  chunks.map(({ headingPath, text }) => `${headingPath.join('/')}: ${text}`).join('\n');
const share = ({ words }: Awaited<ReturnType<typeof read>>): number => words.searchable / words.read;

describe('a page of equal parts is read whole', () => {
  const facts = Array.from(
    { length: 12 },
    (_, number) => `Plan${number} costs ${number + 3} euros a month and includes ${number + 1} seats for your team.`,
  );
  const pages: [string, string][] = [
    ['cards', facts.map((fact, at) => `<div class="card"><h3>Offer ${at}</h3><p>${fact}</p></div>`).join('')],
    ['cards that are links', facts.map((fact) => `<a class="card" href="/x"><p>${fact}</p></a>`).join('')],
    ['details', facts.map((fact, at) => `<details><summary>What is offer ${at}?</summary>${fact}</details>`).join('')],
    [
      'an accordion of buttons with hidden panels',
      facts
        .map(
          (fact, at) =>
            `<h3><button aria-expanded="false" aria-controls="p${at}">What is offer ${at}?</button></h3><div id="p${at}" hidden style="display:none">${fact}</div>`,
        )
        .join(''),
    ],
    [
      'an accordion of bare buttons',
      facts
        .map((fact, at) => `<button aria-expanded="false">What is offer ${at}?</button><div hidden>${fact}</div>`)
        .join(''),
    ],
    [
      'a page in a form',
      `<form action="/">${facts.map((fact) => `<p>${fact}</p>`).join('')}<input><button>Send</button></form>`,
    ],
    [
      'sections with headers of their own',
      facts
        .map(
          (fact, at) =>
            `<section><header><h2>Offer ${at}</h2></header><p>${fact}</p><aside>Note ${at}.</aside></section>`,
        )
        .join(''),
    ],
  ];
  for (const [name, body] of pages) {
    test(name, async () => {
      const found = await read(
        'page.html',
        `<html><title>Plans</title><body><nav><a href="/">Home</a></nav>${body}</body></html>`,
      );
      const text = textOf(found);
      for (const fact of facts) assert.ok(text.includes(fact), fact);
      assert.ok(!text.includes('Home'));
      assert.ok(share(found) > 0.9, `${found.words.searchable} of ${found.words.read}`);
      if (body.includes('What is')) assert.match(text, /What is offer 3\?: Plan3 costs/);
    });
  }
});

test('what is left out is said, with its share', async () => {
  const links = Array.from({ length: 40 }, (_, at) => `<a href="/${at}">Section number ${at}</a>`).join(' ');
  const { warnings, words } = await read(
    'page.html',
    `<body><nav>${links}</nav><p>You may return an item within thirty days.</p><button>Buy now</button><button>Ask us</button></body>`,
  );
  assert.deepEqual(words, { read: 130, searchable: 9 });
  assert.deepEqual(warnings, [
    {
      code: 'words_left_out',
      message: '6 % of the words are searchable. Left out: navigation, 2 buttons and fields.',
    },
  ]);
});

test('an article keeps none of what stands around it', async () => {
  const prose = 'You may return an item within thirty days of delivery, and we pay for the way back. '.repeat(20);
  const menu = Array.from({ length: 30 }, (_, at) => `<li><a href="/${at}">Topic ${at}</a></li>`).join('');
  const text = textOf(
    await read('a.html', `<body><div><ul>${menu}</ul></div><article><p>${prose}</p></article></body>`),
  );
  assert.ok(text.includes('thirty days'));
  assert.ok(!text.includes('Topic 3'));
});

test('equal texts under different headings are two answers', async () => {
  const text = textOf(await read('a.md', '## Red shoes\n\nNot in stock.\n\n## Blue shoes\n\nNot in stock.\n'));
  assert.match(text, /Red shoes: Not in stock\.\nBlue shoes: Not in stock\./);
});

describe('the beginning of a Markdown file', () => {
  const cases: [string, string, string | undefined][] = [
    ['YAML', '---\ntitle: Terms\ntags:\n  - a\n  - b\nsecret: hidden\n---\n\nThe text.\n', 'Terms'],
    ['TOML', '+++\ntitle = "Terms"\nsecret = "hidden"\n[extra]\nx = 1\n+++\n\nThe text.\n', 'Terms'],
    ['a rule', '---\n\nThe first words, which must stay.\n\n---\n\nThe text.\n', undefined],
    ['a rule above a heading', '---\n## Returns\nThe first words, which must stay.\n\n---\nThe text.\n', undefined],
    ['a fence that is never closed', '+++\nThe first words, which must stay.\nThe text.\n', undefined],
  ];
  for (const [name, content, title] of cases) {
    test(name, async () => {
      const found = await read('notes.md', content);
      const text = textOf(found);
      assert.match(text, /The text\./);
      if (title === undefined) assert.match(text, /The first words, which must stay\./);
      else {
        assert.equal(found.title, title);
        assert.ok(!text.includes('hidden') && !text.includes('tags'), text);
      }
    });
  }
});

describe('encodings', () => {
  /** Bytes of a text, by asking the decoder for each. */
  const encode = (text: string, encoding: string): Buffer => {
    const bytes = new Map<string, number[]>();
    const decoder = new TextDecoder(encoding, { fatal: true });
    const note = (...one: number[]): void => {
      try {
        const letter = decoder.decode(Uint8Array.from(one));
        if ([...letter].length === 1 && !bytes.has(letter)) bytes.set(letter, one);
      } catch (error) {
        assert.ok(error instanceof TypeError);
      }
    };
    for (let first = 0; first < 256; first += 1) note(first);
    for (let first = 0x81; first < 0xff; first += 1)
      for (let second = 0x40; second < 0xff; second += 1) note(first, second);
    return Buffer.from([...text].flatMap((letter) => bytes.get(letter) ?? assert.fail(`${letter} in ${encoding}`)));
  };
  const texts: [string, string][] = [
    ['shift_jis', '返品は商品到着後三十日以内にお願いいたします。送料は無料です。'],
    ['gb18030', '三十天内可以退款。请联系客服，我们会尽快处理您的申请。'],
    ['euc-kr', '상품 수령 후 삼십일 이내에 반품할 수 있습니다. 배송비는 무료입니다.'],
    ['windows-1251', 'Возврат товара возможен в течение 30 дней после покупки. Деньги вернутся на карту.'],
    ['windows-1252', 'Rückgabe ist innerhalb von 30 Tagen möglich. Öffnungszeiten täglich, außer sonntags.'],
  ];
  for (const [encoding, text] of texts) {
    test(encoding, async () => {
      const bytes = encode(text, encoding);
      const guessed = await read('a.txt', bytes);
      assert.equal(guessed.chunks[0]?.text, text);
      assert.deepEqual(
        guessed.warnings.map(({ code }) => code),
        ['encoding_guessed'],
      );
      const page = Buffer.concat([Buffer.from(`<meta charset="${encoding}"><p>`), bytes, Buffer.from('</p>')]);
      const declared = await read('a.html', page);
      assert.equal(declared.chunks[0]?.text, text);
      assert.deepEqual(declared.warnings, []);
      assert.equal((await read('b.txt', bytes, `text/plain; charset=${encoding}`)).chunks[0]?.text, text);
    });
  }
  test('a wrong declaration, and one nobody knows, do no harm', async () => {
    for (const declared of ['shift_jis', 'x-no-such', 'utf-7'])
      assert.equal(
        (await read('a.html', `<meta charset="${declared}"><p>Grüße aus Köln</p>`)).chunks[0]?.text,
        'Grüße aus Köln',
      );
  });
});

test('words that begin like a file of bytes are words', async () => {
  for (const text of ['SQLite is a database we do not use.', 'ID3 tags are read from your songs.'])
    assert.equal((await read('a.txt', text)).chunks[0]?.text, text);
  await assert.rejects(read('a.txt', Buffer.from('SQLite format 3\0 and so on')), /SQLite database/);
  await assert.rejects(read('a.txt', Buffer.from([0x49, 0x44, 0x33, 0x04, 0, 0x41])), /sound file/);
});

test('words are counted alike in every script', () => {
  assert.equal(countWords('Two words'), 2);
  assert.equal(countWords("Don't, 3-5 days…"), 5);
  assert.equal(countWords('三十天'), 3);
});
