import { tidy } from '../clean.ts';
import type { Block } from '../types.ts';
import type { Extractor } from './contract.ts';
import { charsetOf, decodeText } from './decode.ts';

const maximumBytes = 20 * 1024 * 1024;
/** in characters */
const PROGRESS_EVERY = 1_000_000;
const underline = /^(={3,}|-{3,})\s*$/;

/** Plain text: paragraphs between blank lines; a line underlined with === or --- is a heading. */
function* parseText(content: string, progress: (share: number) => void): Generator<Block> {
  const whole = tidy(content);
  let reported = 0;
  const headings: { level: number; text: string }[] = [];
  for (let from = 0, end = 0; from < whole.length; from = end + 2) {
    end = whole.indexOf('\n\n', from);
    if (end === -1) end = whole.length;
    const lines = whole.slice(from, end).split('\n');
    const rule = lines[1]?.match(underline);
    if (lines[0] && rule) {
      const level = rule[1]?.startsWith('=') ? 1 : 2;
      while ((headings.at(-1)?.level ?? 0) >= level) headings.pop();
      headings.push({ level, text: lines.shift()?.trim() ?? '' });
      lines.shift();
    }
    const text = lines.join('\n').trim();
    if (text) yield { kind: 'text', text, headingPath: headings.map((heading) => heading.text) };
    if (end - reported < PROGRESS_EVERY) continue;
    reported = end;
    progress(end / whole.length);
  }
}

export const text: Extractor = {
  name: 'text',
  mimes: ['text/plain'],
  extensions: ['txt', 'text', 'log', 'rst'],
  async extract(file, { progress }) {
    const bytes = await file.read(maximumBytes, 'This text is larger than 20 MB. Split it.');
    const { text: content, warnings } = decodeText(bytes, charsetOf(file.mime));
    return { title: titleFromName(file.name), blocks: parseText(content, progress), warnings };
  },
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
