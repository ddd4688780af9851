import { countWords } from './words.ts';

/** What these functions need of an element of any DOM. */
type Node = {
  nodeName: string;
  textContent: string | null;
  parentNode: Node | null;
  childNodes: ArrayLike<Node>;
};
type Element = Node & {
  innerHTML: string;
  ownerDocument: { createElement(name: string): Element } | null;
  getAttribute(name: string): string | null;
  querySelectorAll(selector: string): Iterable<Element>;
  closest(selector: string): Element | null;
  replaceWith(...nodes: Element[]): void;
  remove(): void;
};

const HEADINGS = 'h1,h2,h3,h4,h5,h6';

/**
 * What opens on a click is read like any other text: what is clicked becomes the heading of what it opens, also where it is a
 * button. The panel itself may be hidden; it is text of the page all the same.
 */
export function openParts(body: Element): void {
  const toHeading = (element: Element): void => {
    const heading = body.ownerDocument?.createElement('h5');
    if (!heading || !countWords(element.textContent ?? '')) return;
    heading.innerHTML = element.innerHTML;
    element.replaceWith(heading);
  };
  for (const button of [...body.querySelectorAll('button')]) {
    const opens = button.getAttribute('aria-expanded') !== null || button.getAttribute('aria-controls') !== null;
    const words = body.ownerDocument?.createElement('span');
    if (!words) continue;
    words.innerHTML = button.innerHTML;
    if (button.closest(`${HEADINGS},summary,dt`)) button.replaceWith(words);
    else if (opens && !button.closest('nav,header,footer')) toHeading(button);
  }
  for (const summary of [...body.querySelectorAll('summary')]) if (!summary.closest(HEADINGS)) toHeading(summary);
}

const FRAME: [selector: string, name: string][] = [
  ['nav,[role=navigation]', 'navigation'],
  ['header,[role=banner]', 'the page header'],
  ['footer,[role=contentinfo]', 'the page footer'],
  ['aside,[role=complementary]', 'side columns'],
];
/** Inside of these a header, a footer or an aside belongs to the text. */
const TEXT_PARTS = 'main,article,section,details,li,[role=main]';

/** Takes the frame of a page away. Returns what of it had words, in words. */
export function frameOut(body: Element): string[] {
  const leftOut: string[] = [];
  for (const [selector, name] of FRAME) {
    let words = 0;
    for (const element of [...body.querySelectorAll(selector)]) {
      if (name !== 'navigation' && (closestOf(element, TEXT_PARTS) || holdsMost(element, body))) continue;
      words += countWords(element.textContent ?? '');
      element.remove();
    }
    if (words > 0) leftOut.push(name);
  }
  const buttons = [...body.querySelectorAll('button,select,textarea')].filter((one) =>
    countWords(one.textContent ?? ''),
  );
  if (buttons.length > 0) leftOut.push(buttons.length === 1 ? '1 button' : `${buttons.length} buttons and fields`);
  return leftOut;
}

const closestOf = (element: Element, selector: string): Element | null =>
  isElement(element.parentNode) ? element.parentNode.closest(selector) : null;
const isElement = (node: Node | null): node is Element => node !== null && 'closest' in node;

/** A page that stands in its own header is no page without it. */
const holdsMost = (element: Element, body: Element): boolean => proseWords(element) * 2 > proseWords(body);

/** Links of more words are cards: they say something. */
const LABEL_WORDS = 8;

/** The words of a page that say something, which is all but its links. */
export function proseWords(body: Element): number {
  let links = 0;
  for (const link of body.querySelectorAll('a')) {
    const words = countWords(link.textContent ?? '');
    if (words <= LABEL_WORDS) links += words;
  }
  return Math.max(0, countWords(body.textContent ?? '') - links);
}
