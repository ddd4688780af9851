import type { Citation, WidgetPassage } from '@parley/contract';
import type { Answer } from '../api.ts';
import { safeUrl } from '../markdown.ts';
import type { Speech } from '../words.ts';
import { h, iconButton } from './dom.ts';
import { backIcon } from './icons.ts';

/** The quoted words marked inside the passage, when they stand there literally. */
function marked(text: string, quote: string): (Node | string)[] {
  const at = quote === '' ? -1 : text.indexOf(quote);
  if (at < 0) return [text];
  return [text.slice(0, at), h('mark', {}, quote), text.slice(at + quote.length)];
}

/** A cited passage over the conversation: the quote at once, the whole passage when it has come. */
export function createSheet(speech: Speech, load: (chunkId: string) => Promise<Answer<WidgetPassage>>) {
  const { say } = speech;
  const title = h('h2', {});
  const back = iconButton(backIcon, say('back'), close);
  const body = h('div', { class: 'passage', tabindex: 0 });
  const node = h('section', { class: 'sheet', hidden: true }, h('header', {}, back, title), body);
  let shown: Citation | null = null;
  let opener: HTMLElement | null = null;

  function hide(): void {
    node.hidden = true;
    shown = null;
  }

  function close(): void {
    hide();
    opener?.focus();
  }

  function fill(where: string, text: (Node | string)[], address: string | null, note: string | null): void {
    const href = address === null ? null : safeUrl(address);
    const link = href?.startsWith('http')
      ? h('a', { href, target: '_blank', rel: 'noopener noreferrer' }, say('page'))
      : null;
    body.replaceChildren(
      ...[
        where ? h('p', { class: 'where', dir: 'auto' }, where) : null,
        h('p', { class: 'text', dir: 'auto' }, ...text),
        note ? h('p', { class: 'where' }, note) : null,
        link ? h('p', {}, link) : null,
      ].filter((part) => part !== null),
    );
    body.scrollTop = 0;
  }

  return {
    node,
    isOpen: () => !node.hidden,
    close,
    hide,
    async open(citation: Citation): Promise<void> {
      shown = citation;
      const root = node.getRootNode();
      opener = root instanceof ShadowRoot && root.activeElement instanceof HTMLElement ? root.activeElement : null;
      title.textContent = citation.title;
      node.ariaLabel = citation.title;
      fill(citation.headingPath, [citation.quote], citation.url, null);
      node.hidden = false;
      back.focus();
      const answer = await load(citation.chunkId);
      if (shown !== citation) return;
      if (!answer.ok)
        return fill(citation.headingPath, [citation.quote], citation.url, say('fileGone', { name: citation.title }));
      const { headingPath, text, url } = answer.data;
      fill(headingPath, marked(text, citation.quote), url ?? citation.url, null);
    },
  };
}
