import { Readability } from '@mozilla/readability';
import { parseHTML } from 'linkedom';
import TurndownService from 'turndown';
import type { Block, Found } from '../types.ts';
import type { Extractor } from './contract.ts';
import { extractionFailed } from './failure.ts';
import { parseMarkdown } from './markdown.ts';
import { charsetInPage, charsetOf, decodeText } from './decode.ts';
import { frameOut, openParts, proseWords } from './page.ts';
import { titleFromName } from './text.ts';
import { countWords } from './words.ts';

const maximumBytes = 3 * 1024 * 1024;
const maximumElements = 100_000;
const maximumDepth = 400;

const voidTags = new Set(
  'area base br col embed hr img input link meta param source track wbr p li td tr th dd dt option'.split(' '),
);

/**
 * One linear pass before any parser sees the page: the parser and the readability rules recurse, so a page of a hundred
 * thousand nested elements would exhaust the stack. Tags that HTML closes by itself do not count as depth.
 */
const guard = (html: string): void => {
  let elements = 0;
  let depth = 0;
  for (let at = html.indexOf('<'); at !== -1; at = html.indexOf('<', at + 1)) {
    const closing = html[at + 1] === '/';
    const name = html
      .slice(at + (closing ? 2 : 1), at + 14)
      .match(/^[a-z][a-z0-9]*/i)?.[0]
      .toLowerCase();
    if (!name || voidTags.has(name)) continue;
    if (closing) {
      depth = Math.max(0, depth - 1);
      continue;
    }
    elements += 1;
    depth += 1;
    if (elements > maximumElements) throw extractionFailed('This page has more than 100,000 elements. Split it.');
    if (depth > maximumDepth) throw extractionFailed('This page is nested too deeply to be read.');
  }
};

const cell = (text: string): string => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim();

const createTurndown = (): TurndownService => {
  const turndown = new TurndownService({ headingStyle: 'atx', codeBlockStyle: 'fenced', bulletListMarker: '-' });
  // Forms stay: whole pages stand in one. Their controls say nothing.
  turndown.remove(['script', 'style', 'noscript', 'iframe', 'button', 'select', 'textarea', 'template']);
  // Turndown knows no tables; rows become pipes, and the first row carries the rule under it.
  turndown.addRule('row', {
    filter: 'tr',
    replacement: (_content, node) => {
      const cells = [...node.childNodes].filter((child) => /^(TD|TH)$/.test(child.nodeName));
      const line = `| ${cells.map((child) => cell(child.textContent ?? '')).join(' | ')} |\n`;
      const table = node.parentNode?.nodeName === 'TABLE' ? node.parentNode : node.parentNode?.parentNode;
      const first = table && 'querySelector' in table ? table.querySelector('tr') : null;
      return first === node ? `${line}|${' --- |'.repeat(cells.length)}\n` : line;
    },
  });
  turndown.addRule('table', { filter: 'table', replacement: (content) => `\n\n${content.trim()}\n\n` });
  turndown.addRule('sections', { filter: ['thead', 'tbody', 'tfoot'], replacement: (content) => content });
  turndown.addRule('cells', { filter: ['td', 'th'], replacement: (content) => content });
  return turndown;
};

/** The parser has no body for a page whose head is left out or that begins twice, as browsers do. Everything is put into one. */
const inOneBody = (html: string): string =>
  `<html><head></head><body>${html.replace(/<!doctype[^<>]{0,1000}>|<\/?(?:html|head|body)(?:\s[^<>]{0,5000})?>/gi, ' ')}</body></html>`;

/** Of the sentences of a page readability may leave out this share; more is a page of equal parts, of which it kept some. */
const MAY_MISS = 0.1;

/**
 * HTML text → blocks. The main content is what readability finds, where that is nearly all the page says; else the page is taken whole,
 * less its frame.
 */
export const parseHtml = (html: string, name: string): Found & { blocks: Block[] } => {
  guard(html);
  try {
    const { document } = parseHTML(inOneBody(html));
    const { body } = document;
    const titles = [...body.querySelectorAll('title')].filter((one) => !one.closest('svg'));
    const title = (titles[0] ?? body.querySelector('h1'))?.textContent?.trim();
    for (const unseen of [...titles, ...body.querySelectorAll('script,style,noscript,template,svg')]) unseen.remove();
    const wordsRead = countWords(body.textContent ?? '');
    openParts(body);
    const leftOut = frameOut(body);
    // Readability changes the tree it reads, so the fallback is taken first.
    const whole = body.cloneNode(true);
    const article = new Readability<string>(document, { charThreshold: 200, keepClasses: true }).parse();
    const said = proseWords(whole);
    const kept = article?.content ? proseWords(parseHTML(inOneBody(article.content)).document.body) : 0;
    const isArticle = article?.content && kept >= said * (1 - MAY_MISS);
    const main = isArticle && article.content ? article.content : whole.innerHTML;
    // The converter's parser takes quadratic time over runs of entities; this one is as good unescaped.
    const markdown = createTurndown().turndown(main.replaceAll('&gt;', '>'));
    const parsed = parseMarkdown(markdown, name);
    return {
      title: (title || article?.title || titleFromName(name)).replace(/\s+/g, ' ').slice(0, 200),
      blocks: parsed.blocks,
      wordsRead,
      leftOut: isArticle ? [...leftOut, 'what stands around the article'] : leftOut,
    };
  } catch (error) {
    if (error instanceof RangeError) throw extractionFailed('This page is nested too deeply to be read.', error);
    throw error;
  }
};

export const html: Extractor = {
  name: 'html',
  mimes: ['text/html', 'application/xhtml+xml'],
  extensions: ['html', 'htm', 'xhtml'],
  async extract(file) {
    const bytes = await file.read(maximumBytes, 'This page is larger than 3 MB. Split it.');
    const { text, warnings } = decodeText(bytes, charsetOf(file.mime) ?? charsetInPage(file.head));
    return { ...parseHtml(text, file.name), warnings };
  },
};
