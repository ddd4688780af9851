import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { accents, type AccentColour } from '../composables/accents.ts';

const css = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8');

type Tokens = Map<string, string>;

function block(selector: string): Tokens {
  const start = css.indexOf(`${selector} {`);
  const body = css.slice(css.indexOf('{', start) + 1, css.indexOf('\n}', start));
  return new Map(
    [...body.matchAll(/--([\w-]+):\s*([^;]+);/g)].map((match) => [match[1] ?? '', (match[2] ?? '').trim()]),
  );
}

const light = block(':root');
const dark = new Map([...light, ...block(":root[data-theme='dark']")]);

/** Relative luminance (WCAG) of a token with an accent, through OKLab and linear sRGB, clipped to the gamut. */
function luminance(tokens: Tokens, name: string, accent: AccentColour): number {
  const value = (tokens.get(name) ?? '')
    .replace('var(--accent-hue)', String(accent.hue))
    .replace(/calc\(([\d.]+) \* var\(--accent-chroma\)\)/, (_, chroma) => String(Number(chroma) * accent.chroma));
  const alias = /^var\(--([\w-]+)\)$/.exec(value)?.[1];
  if (alias) return luminance(tokens, alias, accent);
  const parts = /^oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)$/.exec(value);
  if (!parts) throw new Error(`--${name} is no plain oklch colour: ${value || 'missing'}`);
  const [lightness, chroma, angle] = parts.slice(1).map(Number) as [number, number, number];
  const a = chroma * Math.cos((angle * Math.PI) / 180);
  const b = chroma * Math.sin((angle * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clip = (channel: number) => Math.min(1, Math.max(0, channel));
  const red = clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  const green = clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  const blue = clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(tokens: Tokens, front: string, back: string, accent: AccentColour): number {
  const [high, low] = [luminance(tokens, front, accent), luminance(tokens, back, accent)].sort((x, y) => y - x) as [
    number,
    number,
  ];
  return (high + 0.05) / (low + 0.05);
}

const backgrounds = ['page', 'surface', 'raised', 'gray-1', 'gray-2', 'gray-3', 'gray-4', 'gray-5'];
const families = ['ok', 'warn', 'danger', 'info', 'ai'];
const text: [string, string][] = [
  ...backgrounds.flatMap((back): [string, string][] => [
    ['gray-12', back],
    ['gray-11', back],
    ['accent-11', back],
  ]),
  ...['accent-2', 'accent-3', 'accent-4', 'accent-5'].flatMap((back): [string, string][] => [
    ['gray-12', back],
    ['gray-11', back],
    ['accent-11', back],
    ['accent-12', back],
  ]),
  ['on-accent', 'accent-9'],
  ['on-accent', 'accent-10'],
  ['on-danger', 'danger'],
  ['gray-12', 'note-surface'],
  ['gray-11', 'note-surface'],
  ['note-text', 'note-surface'],
  ...families.flatMap((family): [string, string][] => [
    [`${family}-text`, `${family}-surface`],
    [`${family}-text`, 'page'],
    [`${family}-text`, 'surface'],
    [`${family}-text`, 'gray-3'],
    [`${family}-text`, 'gray-4'],
    ['gray-12', `${family}-surface`],
    ['gray-11', `${family}-surface`],
  ]),
];
const controls: [string, string][] = [
  ...['page', 'surface', 'raised'].flatMap((back): [string, string][] => [
    ['gray-8', back],
    ['ring', back],
    ['accent-9', back],
    ...families.map((family): [string, string] => [family, back]),
  ]),
];

describe.each([
  ['light', light],
  ['dark', dark],
] as const)('%s theme', (_, tokens) => {
  it.each(Object.entries(accents))('%s: text reads at 4.5 : 1', (_name, accent) => {
    const weak = text
      .map(([front, back]) => [front, back, contrast(tokens, front, back, accent)] as const)
      .filter((row) => row[2] < 4.5);
    expect(weak).toEqual([]);
  });
  it.each(Object.entries(accents))('%s: controls stand out at 3 : 1', (_name, accent) => {
    const weak = controls
      .map(([front, back]) => [front, back, contrast(tokens, front, back, accent)] as const)
      .filter((row) => row[2] < 3);
    expect(weak).toEqual([]);
  });
});

describe('tokens', () => {
  it('both themes define the same names', () => {
    const onlyLight = [...light.keys()].filter((name) => !block(":root[data-theme='dark']").has(name));
    expect(onlyLight).toEqual(['accent-hue', 'accent-chroma']);
  });
});
