/**
 * The little Markdown that answers use, as DOM nodes: paragraphs, headings, bold, italic, code, lists, quotes, links.
 * There is no way from text to HTML here. Nothing is fetched by showing it: images become links (a poisoned document
 * must not make the reader's browser call home), and only http, https and mailto can be followed.
 */

/** Makes the chip for `[1]`; null when no such source exists, then the text stays as it is. */
export type Cite = (number: number) => Node | null;

// Every repetition is bounded and no two neighbours match the same character, so a hostile text costs linear time.
const inlinePattern =
  /\\([\\`*_{}[\]()#+\-.!>~|])|`([^`\n]{1,1000})`|!?\[([^[\]\n]{0,300})\]\(<?([^\s()<>]{1,2000}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,500})?)>?(?:[ \t]+"[^"\n]{0,200}")?\)|\[(\d{1,2})\]|\*\*([^\s*](?:[^*\n]|\*(?!\*)){0,1000})\*\*|__([^\s_][^_\n]{0,1000})__|\*([^\s*][^*\n]{0,1000})\*|\b_([^\s_][^_\n]{0,1000})_\b|<?(https?:\/\/[^\s<>"'`]{1,2000})>?/g;

/** The address when it may be followed. Names before an @ are refused: they make one host look like another. */
export function safeUrl(text: string): string | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  const web = url.protocol === 'https:' || url.protocol === 'http:';
  if (web ? url.username !== '' || url.password !== '' : url.protocol !== 'mailto:') return null;
  return url.href;
}

/** `cite` false: a person typed it, and no mark but an address means anything. */
export function renderMarkdown(text: string, document: Document, cite: Cite | false = () => null): DocumentFragment {
  function make(tag: string, ...children: (Node | string)[]): HTMLElement {
    const node = document.createElement(tag);
    node.append(...children);
    return node;
  }

  function link(label: (Node | string)[], address: string, written: string): Node | string {
    const href = safeUrl(address);
    if (href === null) return written;
    const node = make('a', ...label);
    node.setAttribute('href', href);
    node.setAttribute('target', '_blank');
    node.setAttribute('rel', 'noopener noreferrer');
    node.setAttribute('title', href);
    return node;
  }

  function bareLink(written: string): (Node | string)[] {
    // The full stop after an address belongs to the sentence.
    const address = written.replace(/^<|>$/g, '').replace(/[.,;:!?)\]*_]{1,9}$/, '');
    const at = written.indexOf(address);
    const rest = written.slice(at + address.length).replace('>', '');
    return [link([address], address, address), rest];
  }

  function inline(line: string, depth = 0): (Node | string)[] {
    const out: (Node | string)[] = [];
    let end = 0;
    for (const match of line.matchAll(inlinePattern)) {
      const [whole, escaped, code, label, address, number, strong, strongToo, soft, softToo, url] = match;
      out.push(line.slice(end, match.index));
      end = match.index + whole.length;
      const bold = strong ?? strongToo;
      const italic = soft ?? softToo;
      if (escaped !== undefined) out.push(escaped);
      else if (code !== undefined) out.push(make('code', code));
      else if (address !== undefined) out.push(link([label || address], address, whole));
      else if (number !== undefined) out.push((cite && cite(Number(number))) || whole);
      else if (url !== undefined) out.push(...bareLink(whole));
      else if (depth > 3) out.push(whole);
      else if (bold !== undefined) out.push(make('strong', ...inline(bold, depth + 1)));
      else if (italic !== undefined) out.push(make('em', ...inline(italic, depth + 1)));
    }
    out.push(line.slice(end));
    return out.filter((part) => part !== '');
  }

  const fragment = document.createDocumentFragment();
  if (!cite) {
    fragment.append(
      ...text.split(/(https?:\/\/[^\s<>"'`]{1,2000})/).flatMap((part, index) => (index % 2 ? bareLink(part) : part)),
    );
    return fragment;
  }
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  let paragraph: HTMLElement | null = null;
  let list: HTMLElement | null = null;

  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const fence = /^\s{0,3}(```|~~~)/.exec(line);
    const item = /^(\s{0,12})(?:[-*+]|(\d{1,4})[.)])\s+(.*)$/.exec(line);
    const heading = /^#{1,6}\s+(.*)$/.exec(line);
    const quote = /^>\s?(.*)$/.exec(line);
    if (fence) {
      const mark = fence[1] ?? '```';
      const body: string[] = [];
      for (index += 1; index < lines.length && !lines[index]?.trimStart().startsWith(mark); index += 1) {
        body.push(lines[index] ?? '');
      }
      const block = make('pre', make('code', body.join('\n')));
      block.tabIndex = 0;
      fragment.append(block);
      paragraph = list = null;
    } else if (item) {
      const tag = item[2] === undefined ? 'ul' : 'ol';
      if (list?.localName !== tag) {
        list = make(tag);
        if (item[2] !== undefined && item[2] !== '1') list.setAttribute('start', item[2]);
        fragment.append(list);
      }
      const node = make('li', ...inline(item[3] ?? ''));
      if ((item[1] ?? '').length > 1) node.className = 'deep';
      list.append(node);
      paragraph = null;
    } else if (line.trim() === '') {
      paragraph = null;
      // A numbered list goes on over an empty line when the next line is again an item.
      if (!/^\s{0,12}(?:[-*+]|\d{1,4}[.)])\s/.test(lines[index + 1] ?? '')) list = null;
    } else if (heading) {
      fragment.append(make('p', make('strong', ...inline(heading[1] ?? ''))));
      paragraph = list = null;
    } else if (quote) {
      fragment.append(make('blockquote', ...inline(quote[1] ?? '')));
      paragraph = list = null;
    } else if (list && /^\s/.test(line)) {
      list.lastElementChild?.append(document.createElement('br'), ...inline(line.trim()));
    } else {
      list = null;
      if (paragraph) paragraph.append(document.createElement('br'), ...inline(line));
      else fragment.append((paragraph = make('p', ...inline(line))));
    }
  }
  return fragment;
}
