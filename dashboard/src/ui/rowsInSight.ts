/** Which rows of one height are in sight, and some around them. `to` is exclusive. */
export function rowsInSight(
  count: number,
  { top, height, row, around }: { top: number; height: number; row: number; around: number },
): { from: number; to: number } {
  const from = Math.max(0, Math.min(count, Math.floor(top / row)) - around);
  return { from, to: Math.min(count, Math.ceil((top + height) / row) + around) };
}
