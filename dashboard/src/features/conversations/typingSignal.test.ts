import { beforeEach, expect, it, vi } from 'vitest';
import { createTypingSignal } from './typingSignal.ts';

beforeEach(() => void vi.useFakeTimers());

it('is told at once, again after three seconds, and ends with the message, with nothing after it', () => {
  const told: [string, boolean][] = [];
  const signal = createTypingSignal((id, typing) => told.push([id, typing]));
  signal.wrote('a');
  signal.wrote('a');
  vi.advanceTimersByTime(3001);
  signal.wrote('a');
  signal.wrote('a');
  signal.stop();
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([
    ['a', true],
    ['a', true],
    ['a', false],
  ]);
  // What is written next is told at once, and another conversation ends the first.
  signal.wrote('a');
  signal.wrote('b');
  signal.stop();
  signal.stop();
  expect(told.slice(3)).toEqual([
    ['a', true],
    ['a', false],
    ['b', true],
    ['b', false],
  ]);
});
