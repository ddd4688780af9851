import DOMPurify from 'dompurify';
import { Marked } from 'marked';

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? character);

/** The address of a link that may be followed, or null. */
function safeAddress(href: string): string | null {
  try {
    const { protocol, href: whole } = new URL(href);
    return ['http:', 'https:', 'mailto:', 'tel:'].includes(protocol) ? whole : null;
  } catch {
    return null; // a relative address leads nowhere from here
  }
}

/**
 * Nothing may load by itself: a poisoned document can make a model write an image address, and fetching it would carry
 * data away, so a picture is its alternative text. HTML in the text is shown as the text it is.
 */
const markdown = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escape(text),
    image: ({ text }) => escape(text),
    link({ href, tokens }) {
      const address = safeAddress(href);
      const inside = this.parser.parseInline(tokens);
      return address
        ? `<a href="${escape(address)}" target="_blank" rel="noopener noreferrer nofollow">${inside}</a>`
        : inside;
    },
  },
});

/**
 * Markdown of bots and agents as safe HTML: the renderer writes no foreign markup, and the sanitiser checks what it wrote.
 * Customer text never comes here; it is shown as text.
 */
export function renderMarkdown(text: string): string {
  return DOMPurify.sanitize(markdown.parse(text, { async: false }), {
    ALLOWED_TAGS: [
      'p',
      'br',
      'strong',
      'em',
      'del',
      'code',
      'pre',
      'ul',
      'ol',
      'li',
      'a',
      'blockquote',
      'h1',
      'h2',
      'h3',
      'h4',
      'hr',
      'table',
      'thead',
      'tbody',
      'tr',
      'th',
      'td',
    ],
    ALLOWED_ATTR: ['href', 'start', 'target', 'rel'],
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:)/i,
  });
}
