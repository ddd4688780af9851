/**
 * `npm run bench -- desk [--quick]`: the inbox in a real Chromium with 2,000 and 20,000 conversations: what a cold start
 * costs, how long another view takes, the longest frame while scrolling, and what opening a conversation asks the server.
 * SIZES=2000 measures one size. Embedded database; the browser, the server and this script share the machine.
 */
import { startBrowser } from '../e2e/lib/browser.ts';
import { fillDesk } from '../e2e/lib/crowd.ts';
import { createCall, OWNER, setUpOwner, signIn, startParley } from '../e2e/lib/parley.ts';
import { clickedUntilPainted, countTraffic, scrollFrames, watchFirstRow } from './lib/desk-page.ts';
import { isQuick, openReport } from './lib/report.ts';
import { median } from './lib/stats.ts';

type Scripts = { buildFronts: () => Promise<boolean>; findChromium: () => string | null };
/** The scripts are plain JavaScript. */
const script = async (name: string): Promise<Scripts> =>
  (await import(new URL(`../scripts/lib/${name}.mjs`, import.meta.url).href)) as Scripts;
const { buildFronts } = await script('fronts');
const { findChromium } = await script('chromium');

const SIZES = (process.env.SIZES ?? (isQuick ? '2000' : '2000,20000')).split(',').map(Number);
const VIEWS = ['Mine', 'Unassigned', 'Waiting', 'Bot', 'Resolved', 'All', 'Open'];
const SCROLL_MS = isQuick ? 4_000 : 10_000;

process.env.CHROMIUM_PATH = findChromium() ?? '';
if (!process.env.CHROMIUM_PATH) throw new Error('no Chromium: install one, or set CHROMIUM_PATH');
if (!(await buildFronts())) throw new Error('the dashboard was not built');

const report = openReport({ name: 'embedded', close: async () => undefined });
const browser = await startBrowser();
for (const size of SIZES) {
  const parley = await startParley({ PARLEY_DEMO: '0' });
  try {
    await setUpOwner(parley);
    const owner = await signIn(parley.url, OWNER);
    const call = createCall(parley.url, owner.accessToken);
    for (const name of ['Website', 'Shop']) await call('POST', '/inboxes', { name, channel: 'web' });
    await parley.restart('stop', (dataDir) => fillDesk(dataDir, size));
    await measure(parley.url, size);
  } finally {
    await parley.stop();
  }
}
await browser.close();
await report.close();

async function measure(url: string, size: number): Promise<void> {
  const at = `${size.toLocaleString('en')} conversations`;
  const { refreshToken } = await signIn(url, OWNER);
  const { page, context } = await browser.tab({ storage: { origin: url, values: { 'parley.refresh': refreshToken } } });
  const traffic = await countTraffic(page);
  await watchFirstRow(page);

  await page.goto(`${url}/inbox/open`);
  await page.locator('[data-row]').first().waitFor();
  await traffic.quiet(2_000);
  const cold = traffic.take();
  report.figure(`cold start, first row, ${at}`, await page.evaluate(() => window.firstRowAt ?? 0), 'ms');
  report.figure(`cold start, requests, ${at}`, cold.requests, '', { note: `${cold.api} of them to the API` });
  report.figure(`cold start, bytes, ${at}`, cold.bytes / 1024, 'kB');
  for (const [path, times] of cold.repeated) process.stdout.write(`  asked ${times} times: ${path}\n`);

  const view = (name: string) => page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name }).first();
  const first: number[] = [];
  const again: number[] = [];
  for (const into of [first, again]) for (const name of VIEWS) into.push(await clickedUntilPainted(page, view(name)));
  report.figure(`another view, first time, median, ${at}`, median(first), 'ms');
  report.figure(`another view, first time, longest, ${at}`, Math.max(...first), 'ms', { bar: { atMost: 150 } });
  report.figure(`another view, seen before, longest, ${at}`, Math.max(...again), 'ms', { bar: { atMost: 150 } });

  await clickedUntilPainted(page, view('All'));
  const { longest, tasks, rows } = await scrollFrames(page, SCROLL_MS);
  report.figure(`scrolling, longest frame, ${at}`, longest, 'ms', {
    bar: { atMost: 50 },
    note: `longest task ${tasks.toFixed(0)} ms; ${rows} rows reached`,
  });
  await view('Open').click();
  await page.waitForTimeout(16_000); // so long: until what is kept counts as stale
  const back = await clickedUntilPainted(page, view('All'));
  report.figure(`back to a view scrolled far, ${at}`, back, 'ms', { bar: { atMost: 150 } });
  await traffic.quiet(1_000);

  traffic.take();
  const opened = await page.evaluate(async () => {
    const row = [...document.querySelectorAll<HTMLElement>('[data-row]')].find(
      // An unread one: that it is read now is told to everybody, and so to this list.
      (each) => each.getBoundingClientRect().top > 100 && each.querySelector('.font-semibold'),
    );
    const name = row?.querySelector('.font-semibold, .font-medium')?.textContent ?? '';
    const start = performance.now();
    row?.click();
    while (!document.querySelector('h2')?.textContent?.includes(name))
      await new Promise((done) => requestAnimationFrame(done));
    return performance.now() - start;
  });
  await traffic.quiet(2_000);
  const asked = traffic.take();
  report.figure(`opening a conversation, its name is there, ${at}`, opened, 'ms');
  report.figure(`opening a conversation, requests, ${at}`, asked.api, '', { note: `${asked.lists} pages of the list` });
  await context.close();
}
