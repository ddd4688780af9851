import type { OutboundMessage } from './contract.ts';
import { webAddress } from './markdown.ts';

const MAX_SOURCES = 5;
const TITLE_LENGTH = 80;

/** The sources a reader can open, each once; the numbers are those of the text. */
export function readableSources(
  citations: OutboundMessage['citations'],
): { number: number; title: string; url: string }[] {
  const byUrl = new Map<string, { number: number; title: string; url: string }>();
  for (const citation of citations) {
    const url = citation.url === null ? undefined : webAddress(citation.url);
    if (url === undefined || byUrl.has(url) || byUrl.size >= MAX_SOURCES) continue;
    byUrl.set(url, { number: citation.number, title: shortTitle(citation.title) || new URL(url).hostname, url });
  }
  return [...byUrl.values()];
}

function shortTitle(title: string): string {
  const oneLine = title.replaceAll('\u0000', '').toWellFormed().replace(/\s+/g, ' ').trim();
  return oneLine.length <= TITLE_LENGTH ? oneLine : `${[...oneLine].slice(0, TITLE_LENGTH - 1).join('')}…`;
}
