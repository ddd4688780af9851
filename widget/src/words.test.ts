import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fill, speak } from './words.ts';

describe('words', () => {
  it('falls back to English, keeping the direction that was asked for', () => {
    const speech = speak(['ar-EG', 'xx']);
    assert.deepEqual([speech.language, speech.direction, speech.say('send')], ['en', 'rtl', 'Send']);
    assert.equal(speak([]).language, 'en');
  });

  it('takes the first language it knows', () => {
    assert.equal(speak(['sv', 'fi-FI', 'de']).say('send'), 'Lähetä');
  });

  it('fills in what it is given and nothing else', () => {
    assert.equal(fill('{a} {b}', { a: '{b}' }), '{b} {b}');
  });

  it('says where one stands in the queue', () => {
    const { queue } = speak(['en']);
    assert.equal(queue(3, 240), 'You are 3rd, about 4 minutes; you can close this, we keep your place.');
    assert.equal(queue(1, 20), 'You are next, less than a minute; you can close this, we keep your place.');
    assert.equal(queue(12, null), 'You are 12th; you can close this, we keep your place.');
    assert.match(queue(22, 60), /^You are 22nd, about 1 minute;/);
    assert.equal(queue(null, 60), 'We are finding a person for you; you can close this, we keep your place.');
    assert.match(speak(['fr']).queue(2, 120), /^Vous êtes 2e, environ 2 minutes ;/);
    assert.match(speak(['de']).queue(2, 120), /^Sie sind an 2\. Stelle, etwa 2 Minuten;/);
  });

  it('names the day', () => {
    const noon = new Date(2026, 4, 20, 12).getTime();
    const { day } = speak(['en']);
    assert.equal(day(noon, noon), 'Today');
    assert.equal(day(noon - 86_400_000, noon), 'Yesterday');
    assert.equal(day(noon - 3 * 86_400_000, noon), 'Sunday, May 17');
  });
});
