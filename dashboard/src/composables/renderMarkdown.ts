import DOMPurify from 'dompurify';
import { marked } from 'marked';

/**
 * Markdown of bots and agents as safe HTML. Nothing in it may load by itself: a poisoned document can make a model write an
 * image address, and fetching it would carry data away, so images, media and frames are dropped. Links open in a new tab without a referrer.
 * Customer text never comes here; it is shown as text.
 */
export function renderMarkdown(text: string): string {
  const html = marked.parse(text, { async: false, gfm: true, breaks: true });
  const fragment = DOMPurify.sanitize(html, {
    ALLOWED_TAGS: ['p', 'br', 'strong', 'em', 'del', 'code', 'pre', 'ul', 'ol', 'li', 'a', 'blockquote', 'h1', 'h2', 'h3', 'h4', 'hr', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
    ALLOWED_ATTR: ['href', 'start'],
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:)/i,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll('a')) {
    link.target = '_blank';
    link.rel = 'noopener noreferrer nofollow';
  }
  const holder = document.createElement('div');
  holder.append(fragment);
  return holder.innerHTML;
}
