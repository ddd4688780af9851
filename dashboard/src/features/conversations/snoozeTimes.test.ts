import { expect, it } from 'vitest';
import { snoozeTimes } from './snoozeTimes.ts';

it('never offers a moment that is over, and Monday means the next one', () => {
  for (let day = 1; day <= 14; day++) {
    const now = new Date(2026, 10, day, 23, 30);
    const times = snoozeTimes(now);
    expect(times.every(({ at }) => at > now)).toBe(true);
    expect(times.at(-1)?.at.getDay()).toBe(1);
  }
});
