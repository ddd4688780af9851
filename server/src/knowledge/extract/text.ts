import { tidy } from '../clean.ts';
import type { Block, Extracted } from '../types.ts';
import type { Extractor } from './contract.ts';
import { decodeText } from './sniff.ts';

const maximumBytes = 20 * 1024 * 1024;
const underline = /^(={3,}|-{3,})\s*$/;

/** Plain text: paragraphs between blank lines; a line underlined with === or --- is a heading. */
const parseText = (text: string, name: string): Extracted => {
  const blocks: Block[] = [];
  const headings: { level: number; text: string }[] = [];
  for (const paragraph of tidy(text).split(/\n{2,}/)) {
    const lines = paragraph.split('\n');
    const rule = lines[1]?.match(underline);
    if (lines[0] && rule) {
      const level = rule[1]?.startsWith('=') ? 1 : 2;
      while ((headings.at(-1)?.level ?? 0) >= level) headings.pop();
      headings.push({ level, text: lines.shift()?.trim() ?? '' });
      lines.shift();
    }
    const text = lines.join('\n').trim();
    if (text) blocks.push({ kind: 'text', text, headingPath: headings.map((heading) => heading.text) });
  }
  return { title: titleFromName(name), blocks };
};

export const text: Extractor = {
  name: 'text',
  mimes: ['text/plain'],
  extensions: ['txt', 'text', 'log', 'rst'],
  extract: async (file) =>
    parseText(decodeText(await file.read(maximumBytes, 'This text is larger than 20 MB. Split it.')), file.name),
};

/** "returns_policy-2026.txt" → "returns policy 2026" */
export const titleFromName = (name: string): string => {
  const base = name.split(/[\\/]/).at(-1) ?? name;
  return (
    base
      .slice(0, 200)
      .replace(/\.[a-z0-9]{1,8}$/i, '')
      .replace(/[-_]+/g, ' ')
      .trim() || 'Untitled'
  );
};
