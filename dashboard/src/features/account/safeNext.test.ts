import { expect, it } from 'vitest';
import { safeNext } from './safeNext.ts';

it.each([
  'https://evil.example',
  '//evil.example',
  '/\\evil.example',
  '/\t/evil.example',
  '/.//evil.example',
  '//[',
  'http://[',
  'inbox',
  '/sign-in?next=/',
  'javascript:alert(1)',
  undefined,
  ['/a'],
])('does not leave the site for %s', (next) => {
  expect(safeNext(next)).toBe('/');
});

it('returns to the page that asked for the sign-in', () => {
  expect(safeNext('/inbox/mine/1?q=refund')).toBe('/inbox/mine/1?q=refund');
});
