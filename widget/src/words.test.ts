import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fill, speak } from './words.ts';

describe('words', () => {
  it('falls back to English, keeping the direction that was asked for', () => {
    const speech = speak(['he-IL', 'xx']);
    assert.deepEqual([speech.language, speech.direction, speech.say('send')], ['en', 'rtl', 'Send']);
    assert.equal(speak([], { language: 'ar', words: {} }).direction, 'rtl');
    assert.equal(speak([]).language, 'en');
  });

  it('speaks in the words it is given, and in English where there are none', () => {
    const { say } = speak(['fi-FI'], { language: 'fi', words: { send: 'Lähetä' } });
    assert.deepEqual([say('send'), say('open')], ['Lähetä', 'Open chat']);
  });

  it('fills in what it is given and nothing else', () => {
    assert.equal(fill('{a} {b}', { a: '{b}' }), '{b} {b}');
  });

  it('says where one stands in the queue', () => {
    const { queue } = speak(['en']);
    const range = (from: number, to: number) => ({ minSeconds: from * 60, maxSeconds: to * 60 });
    assert.match(queue(3, range(5.4, 9.2)), /^You are 3rd, about 5–10 minutes\./);
    assert.match(queue(90, range(70, 150)), /^You are 90th, about 1–3 hours\./);
    assert.equal(queue(3, range(4, 4)), 'You are 3rd, about 4 minutes. You can close this, we keep your place.');
    assert.equal(
      queue(1, range(0.1, 0.4)),
      'You are next, less than a minute. You can close this, we keep your place.',
    );
    assert.equal(queue(12, null), 'You are 12th. You can close this, we keep your place.');
    assert.match(queue(22, range(1, 1)), /^You are 22nd, about 1 minute\./);
    assert.equal(queue(null, range(1, 1)), 'We are finding a person for you. You can close this, we keep your place.');
    const words = { queue: 'Sie sind an {nth} Stelle', nth: '{n}.', about: 'etwa {time}', keep: 'Ihr Platz bleibt.' };
    assert.equal(
      speak(['de'], { language: 'de', words }).queue(2, range(2, 2)),
      'Sie sind an 2. Stelle, etwa 2 Minuten. Ihr Platz bleibt.',
    );
  });

  it('counts the hours as the browser does where the page names only the language', () => {
    const evening = new Date(2026, 4, 20, 18).getTime();
    assert.equal(speak(['en', 'en-GB']).time(evening), '18:00');
  });

  it('names the day', () => {
    const noon = new Date(2026, 4, 20, 12).getTime();
    const { day } = speak(['en']);
    assert.equal(day(noon, noon), 'Today');
    assert.equal(day(noon - 86_400_000, noon), 'Yesterday');
    assert.equal(day(noon - 3 * 86_400_000, noon), 'Sunday, May 17');
  });
});
