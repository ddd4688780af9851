/** How a wait is said, in the chat and in messages alike. No imports, so that a bundle gets nothing else with it. */

/** between the usual and the longer wait of those who waited lately */
export type WaitRange = { minSeconds: number; maxSeconds: number };

/**
 * A range as people say it: whole minutes up to ten, then fives. `soon` is less than a minute, `long` an hour or more: what
 * would be a guess to the minute is none.
 */
export function waitInMinutes({ minSeconds, maxSeconds }: WaitRange): { from: number; to: number } | 'soon' | 'long' {
  const most = maxSeconds / 60;
  if (most < 1) return 'soon';
  const step = most <= 10 ? 1 : 5;
  const from = Math.max(1, Math.floor(minSeconds / 60 / step) * step);
  const to = Math.max(from, Math.ceil(most / step) * step);
  return from >= 60 || to > 120 ? 'long' : { from, to };
}
