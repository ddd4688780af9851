import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { TextKey, TextLanguage } from '@parley/contract';
import { catalogue, widgetWords } from './catalogue.ts';
import { catalogueLanguage, textsIn } from './texts.ts';

const blanksOf = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

describe('the catalogue of texts', () => {
  it('has a file for each language, and each text in each of them', () => {
    const files = readdirSync(new URL('./languages/', import.meta.url)).map((name) => name.replace('.json', ''));
    assert.deepEqual(files.sort(), [...TextLanguage.options].sort());
    for (const language of TextLanguage.options) {
      assert.deepEqual(Object.keys(catalogue[language]).sort(), [...TextKey.options].sort(), language);
      for (const key of TextKey.options) {
        const text = catalogue[language][key];
        assert.notEqual(text.trim(), '', `${language} ${key}`);
        assert.deepEqual(blanksOf(text), blanksOf(catalogue.en[key]), `${language} ${key}`);
        if (language !== 'en') assert.notEqual(text, catalogue.en[key], `${language} ${key} is not translated`);
      }
      assert.deepEqual(Object.keys(widgetWords[language]).sort(), Object.keys(widgetWords.en).sort(), language);
      for (const [name, word] of Object.entries(widgetWords[language])) {
        assert.notEqual(word.trim(), '', `${language} ${name}`);
        assert.deepEqual(
          blanksOf(word),
          blanksOf(widgetWords.en[name as keyof typeof widgetWords.en]),
          `${language} ${name}`,
        );
      }
      // A button of WhatsApp has room for twenty letters.
      for (const key of ['askDifferently', 'talkToPerson'] as const)
        assert.ok(catalogue[language][key].length <= 20, `${language} ${key}`);
    }
  });

  it('speaks the owner’s words: of the language first, then those for all', () => {
    const own = { hello: 'Welcome to Acme.', 'hello.de': 'Willkommen bei Acme.', goodbye: '' };
    assert.equal(textsIn('de', own)('hello'), 'Willkommen bei Acme.');
    assert.equal(textsIn('de-AT', own)('hello'), 'Willkommen bei Acme.');
    assert.equal(textsIn('fi', own)('hello'), 'Welcome to Acme.');
    assert.equal(textsIn('fi', own)('goodbye'), catalogue.fi.goodbye);
    assert.equal(textsIn('en')('place', { position: 2, minutes: 5 }), 'You are number 2 in the queue, about 5 min.');
    assert.equal(catalogueLanguage('tlh'), 'en');
    assert.equal(catalogueLanguage(null), 'en');
  });
});
