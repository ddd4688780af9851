import { expect, it } from 'vitest';
import { rowsInSight } from './rowsInSight.ts';

it('only rows in sight and some around them are drawn', () => {
  const screen = { height: 500, row: 50 };
  expect(rowsInSight(20_000, { ...screen, top: 0, around: 6 })).toEqual({ from: 0, to: 16 });
  expect(rowsInSight(20_000, { ...screen, top: 5025, around: 6 })).toEqual({ from: 94, to: 117 });
  expect(rowsInSight(20_000, { ...screen, top: 999_500, around: 6 })).toEqual({ from: 19_984, to: 20_000 });
  expect(rowsInSight(3, { ...screen, top: 5000, around: 6 })).toEqual({ from: 0, to: 3 });
  expect(rowsInSight(0, { ...screen, top: 0, around: 6 })).toEqual({ from: 0, to: 0 });
});
