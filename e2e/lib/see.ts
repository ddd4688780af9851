import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';

/** Waits until it can be seen. */
export const see = (what: Locator, timeout = 15_000): Promise<void> =>
  what.first().waitFor({ state: 'visible', timeout });

/** Waits until it cannot be seen any more. */
export const gone = (what: Locator, timeout = 15_000): Promise<void> =>
  what.first().waitFor({ state: 'hidden', timeout });

/** Waits until exactly `count` of it are there. */
export async function seeTimes(what: Locator, count: number, timeout = 15_000): Promise<void> {
  if (count === 0) return gone(what, timeout);
  await what.nth(count - 1).waitFor({ state: 'visible', timeout });
  assert.equal(await what.count(), count, `${String(what)} is there more often than ${count} times`);
}

/** Polls until it holds: for what no locator can wait for. */
export async function until(look: () => Promise<boolean>, what: string, timeout = 15_000): Promise<void> {
  const end = Date.now() + timeout;
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
