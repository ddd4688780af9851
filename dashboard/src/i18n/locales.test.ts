import { createI18n } from 'vue-i18n';
import { describe, expect, it } from 'vitest';
import de from './de.ts';
import en from './en.ts';
import fi from './fi.ts';
import { mergeMessages, type Messages } from './messages.ts';

const flatten = (tree: Messages, path = ''): [string, string][] =>
  Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [[path + key, value]] : flatten(value, `${path}${key}.`),
  );
const english = new Map(flatten(en));
const placeholders = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

describe.each([
  ['de', de],
  ['fi', fi],
])('%s', (name, messages) => {
  const translated = new Map(flatten(messages));

  it('has the same keys as English', () => {
    expect([...translated.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it('keeps every placeholder and plural form', () => {
    const wrong = [...english].filter(([key, text]) => {
      const other = translated.get(key) ?? '';
      return (
        placeholders(text).join() !== placeholders(other).join() ||
        text.split(' | ').length !== other.split(' | ').length
      );
    });
    expect(wrong.map(([key]) => key)).toEqual([]);
  });

  it('is translated: few texts read as in English', () => {
    const same = [...english].filter(([key, text]) => text.length > 12 && translated.get(key) === text);
    expect(same.map(([key]) => key)).toEqual([]);
  });

  it('compiles', () => {
    const failures: string[] = [];
    const i18n = createI18n({
      legacy: false,
      locale: name,
      messages: { [name]: messages },
      missingWarn: false,
      fallbackWarn: false,
    });
    for (const key of translated.keys()) {
      try {
        i18n.global.t(key, { n: 2 }, 2);
      } catch {
        failures.push(key);
      }
    }
    expect(failures).toEqual([]);
  });
});

it('has each text once', () => {
  const files = { one: { shell: { main: 'Main' } }, two: { shell: { skip: 'Skip' } } };
  expect(mergeMessages(files)).toEqual({ shell: { main: 'Main', skip: 'Skip' } });
  expect(() => mergeMessages({ ...files, three: { shell: { skip: 'Again' } } })).toThrow('shell.skip');
});

describe('the source', () => {
  const files = import.meta.glob<string>('../**/*.{vue,ts}', { query: '?raw', import: 'default', eager: true });
  const text = Object.entries(files)
    .filter(([path]) => !path.endsWith('.test.ts'))
    .map(([, content]) => content)
    .join('\n');

  it('names only texts that exist', () => {
    const named = [...text.matchAll(/\bt\(\s*'([a-zA-Z][\w.]*)'/g)].map((match) => match[1] ?? '');
    expect(named.length).toBeGreaterThan(150);
    expect([...new Set(named)].filter((key) => !english.has(key))).toEqual([]);
  });

  it('uses every text', () => {
    const dynamic = [...text.matchAll(/`([a-zA-Z]+(?:\.[a-zA-Z]+)*)\.\$\{/g)].map((match) => `${match[1]}.`);
    const unused = [...english.keys()].filter(
      (key) => !text.includes(`'${key}'`) && !dynamic.some((prefix) => key.startsWith(prefix)),
    );
    expect(unused).toEqual([]);
  });
});
