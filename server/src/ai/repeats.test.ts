import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutRepeats } from './repeats.ts';

test('a repeated paragraph goes, spelled however; repeated first sentences go', () => {
  const fresh = withoutRepeats(['You have **30 days**.', '- a\n- b']);
  assert.equal(fresh('you have 30 days'), '');
  assert.equal(fresh('You have 30 days. Postage is yours.'), 'Postage is yours.');
  assert.equal(fresh('- a\n- b'), '');
});

test('what was not sent stays as it is', () => {
  const fresh = withoutRepeats(['You have 30 days.']);
  assert.equal(fresh('Keep the receipt. You have 30 days.'), 'Keep the receipt. You have 30 days.');
  assert.equal(fresh('```\nYou have 30 days.\n```'), '```\nYou have 30 days.\n```');
  assert.equal(withoutRepeats([])('Anything.'), 'Anything.');
  assert.equal(withoutRepeats(['👋'])('👍'), '👍');
  assert.equal(withoutRepeats(['👍'])('👍'), '');
});
