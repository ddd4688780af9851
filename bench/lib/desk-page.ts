/** What is measured inside of the dashboard's page. */
import type { Locator, Page } from 'playwright-core';

declare global {
  interface Window {
    /** milliseconds from the navigation to the frame that showed the first row */
    firstRowAt?: number;
  }
}

export const watchFirstRow = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    const look = (): void => {
      if (document.querySelector('[data-row]')) window.firstRowAt = performance.now();
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });

/** Counts what the page asks for. */
export async function countTraffic(page: Page) {
  const network = await page.context().newCDPSession(page);
  await network.send('Network.enable');
  let asked: string[] = [];
  let bytes = 0;
  let lastAt = Date.now();
  network.on('Network.requestWillBeSent', ({ request }) => {
    lastAt = Date.now();
    asked.push(`${request.method} ${new URL(request.url).pathname}${new URL(request.url).search}`);
  });
  network.on('Network.loadingFinished', ({ encodedDataLength }) => {
    lastAt = Date.now();
    bytes += encodedDataLength;
  });
  return {
    async quiet(milliseconds: number): Promise<void> {
      while (Date.now() - lastAt < milliseconds) await page.waitForTimeout(100); // so long: until nothing came for a while
    },
    /** Everything since the last time. */
    take() {
      const api = asked.filter((path) => path.includes('/api/'));
      const times = new Map<string, number>();
      for (const path of api) times.set(path, (times.get(path) ?? 0) + 1);
      const taken = {
        requests: asked.length,
        api: api.length,
        lists: api.filter((path) => /^GET \/api\/v1\/conversations\?(?!contactId)/.test(path)).length,
        bytes,
        repeated: [...times].filter(([, count]) => count > 1),
      };
      asked = [];
      bytes = 0;
      return taken;
    },
  };
}

/** Milliseconds from the click on a view to the frame that shows its rows. */
export async function clickedUntilPainted(page: Page, link: Locator): Promise<number> {
  return link.evaluate(async (element) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const path = (element as HTMLAnchorElement).pathname;
    const start = performance.now();
    (element as HTMLElement).click();
    for (;;) {
      await frame();
      const row = document.querySelector<HTMLAnchorElement>('[data-row]');
      if (row?.pathname.startsWith(path) && !document.querySelector('[aria-busy="true"]')) break;
      if (performance.now() - start > 30_000) throw new Error(`${path} shows no rows`);
    }
    await frame();
    return performance.now() - start;
  });
}

/** Scrolls the list down as with a wheel. */
export async function scrollFrames(page: Page, milliseconds: number) {
  return page.evaluate(async (during) => {
    let tasks = 0;
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks = Math.max(tasks, duration);
    });
    observer.observe({ entryTypes: ['longtask'] });
    const scroller = document.querySelector('[data-row]')?.closest('.overflow-y-auto');
    if (!scroller) throw new Error('the list does not scroll');
    let longest = 0;
    let rows = 0;
    let last = performance.now();
    for (const end = last + during; last < end;) {
      await new Promise((done) => requestAnimationFrame(done));
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      scroller.scrollTop += 120;
      rows = Math.max(rows, Math.round(scroller.scrollTop / 60));
    }
    observer.disconnect();
    return { longest, tasks, rows };
  }, milliseconds);
}
