import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TextLanguage } from '@parley/contract';
import { languageOf } from '../language.ts';
import examples from './examples.test.json' with { type: 'json' };
import { asksForPerson } from './person-wish.ts';
import { smallTalkOf, withoutSmallTalk } from './small-talk.ts';
import { talks } from './words.ts';

type Examples = Partial<Record<'hello' | 'thanks' | 'bye' | 'unclear' | 'question' | 'person' | 'noPerson', string[]>>;

describe('what is no question', () => {
  it('is known in every language of the texts', () => {
    assert.deepEqual(Object.keys(talks).sort(), [...TextLanguage.options].sort());
    assert.deepEqual(
      Object.keys(examples)
        .filter((language) => language !== 'signs')
        .sort(),
      [...TextLanguage.options].sort(),
    );
  });

  for (const [language, said] of Object.entries<Examples>(examples)) {
    it(`in ${language}`, () => {
      for (const kind of ['hello', 'thanks', 'bye', 'unclear'] as const)
        for (const text of said[kind] ?? []) {
          assert.equal(smallTalkOf(text, language), kind, text);
          assert.equal(asksForPerson(text), false, text);
        }
      for (const text of said.question ?? []) assert.equal(smallTalkOf(text), undefined, text);
      for (const text of said.person ?? []) {
        assert.equal(asksForPerson(text), true, text);
        assert.equal(smallTalkOf(text), undefined, text);
      }
      for (const text of [...(said.noPerson ?? []), ...(said.question ?? [])])
        assert.equal(asksForPerson(text), false, text);
    });
  }

  it('is taken off a question, and nothing but that', () => {
    assert.equal(withoutSmallTalk('thanks! and how do I return it?'), 'and how do I return it?');
    assert.equal(
      withoutSmallTalk('Hi there.\nHow long does a refund take? Thank you!'),
      'How long does a refund take?',
    );
    assert.equal(withoutSmallTalk('thanks for nothing, where is my order'), 'thanks for nothing, where is my order');
    assert.equal(withoutSmallTalk('thanks'), 'thanks');
  });

  it('tells the language where a detector has too little', () => {
    const of = (text: string, known: string | null, earlier: string[] = []) =>
      languageOf(text, { earlier, fallbacks: [known] });
    assert.equal(of('danke', null), 'de');
    assert.equal(of('kiitos', 'en'), 'fi');
    // Said in many languages: then what is known already decides.
    assert.equal(of('ok', 'fi'), 'fi');
    assert.equal(of('ok', 'en', ['Wo ist meine Bestellung, die ich vor zwei Wochen gemacht habe?']), 'de');
    assert.equal(of('KT-3300', 'sv'), 'sv');
    assert.equal(of('Wie lange dauert eine Rückerstattung bei Ihnen?', 'en'), 'de');
    assert.equal(of('12345', null, ['Combien de temps prend un remboursement chez vous ?']), 'fr');
  });
});
