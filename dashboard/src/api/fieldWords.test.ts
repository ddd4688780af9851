import { expect, it } from 'vitest';
import { fieldWords } from './fieldWords.ts';

it.each([
  ['Too small: expected string to have >=1 characters', 'Fill this in'],
  ['Too small: expected string to have >=10 characters', 'At least 10 characters'],
  ['Invalid email address', 'Enter an e-mail address, like name@example.com'],
  ['is not the current password', 'This is not your current password'],
  ['is in the past', 'is in the past'],
])('says %s as %s', (message, words) => {
  expect(fieldWords(message)).toBe(words);
});
