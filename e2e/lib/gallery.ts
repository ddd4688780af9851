import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { OUT } from './browser.ts';
import { accessibilityProblems, overflowingText } from './checks.ts';

const SIZES = [
  { width: 1440, height: 900 },
  { width: 1024, height: 768 },
  { width: 360, height: 740 },
] as const;
const THEMES = ['light', 'dark'] as const;
/** Pictures are for people, who ask for them: `npm run e2e -- --pictures`. The checks need three looks of six. */
const hasPictures = process.env.E2E_PICTURES === '1';
const isChecked = (width: number, theme: string): boolean => (width === 1440 && theme === 'light') || width === 360;

type Shot = { name: string; width: number; theme: string; file: string };

/** Three frames: the change of theme or size is told in the first, drawn in the next. Colours on their way are there then. */
const settled = (): Promise<void> =>
  new Promise((done) => {
    const wait = (frames: number): void => {
      requestAnimationFrame(() => {
        for (const animation of document.getAnimations()) if (animation instanceof CSSTransition) animation.finish();
        if (frames === 0) done();
        else wait(frames - 1);
      });
    };
    wait(2);
  });

/** Looks at screens; with pictures also puts each look into e2e/out, and lays all of one width on one sheet. */
export function createGallery() {
  const shots: Shot[] = [];
  mkdirSync(OUT, { recursive: true });

  async function take(
    page: Page,
    name: string,
    each: (state: { width: number; theme: string }) => Promise<void>,
    widths: readonly number[] = SIZES.map((size) => size.width),
  ): Promise<void> {
    for (const { width, height } of SIZES.filter((size) => widths.includes(size.width))) {
      for (const theme of THEMES) {
        if (!hasPictures && !isChecked(width, theme)) continue;
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
        await page.evaluate(settled);
        if (hasPictures) {
          const file = `${name}-${width}-${theme}.png`;
          await page.screenshot({ path: join(OUT, file), animations: 'disabled', caret: 'hide' });
          shots.push({ name, width, theme, file });
        }
        await each({ width, theme });
      }
    }
  }

  return {
    /** The screen in both themes at each width, without judging it; nothing without pictures. */
    async picture(page: Page, name: string, widths?: readonly number[]): Promise<void> {
      if (hasPictures) await take(page, name, async () => undefined, widths);
    },
    /**
     * The same, and what is wrong with it, one line each: serious for axe, or text that leaves the screen at 360 px or
     * at 200 % zoom.
     */
    async inspect(page: Page, name: string, widths?: readonly number[]): Promise<string[]> {
      const problems: string[] = [];
      const note = (where: string, found: string[]): void => {
        problems.push(...found.map((text) => `${name} ${where}: ${text}`));
      };
      await take(
        page,
        name,
        async ({ width, theme }) => {
          const where = `${width} ${theme}`;
          if (width === 360 && theme === 'light') note(where, await overflowingText(page));
          // Each theme once, and both layouts once.
          if ((width === 1440 && theme === 'light') || (width === 360 && theme === 'dark'))
            note(where, await accessibilityProblems(page));
        },
        widths,
      );
      // 1440 px at 200 % zoom.
      await page.setViewportSize({ width: 720, height: 450 });
      note('200 %', await overflowingText(page));
      await page.setViewportSize({ width: 1440, height: 900 });
      return problems;
    },
    /** One picture per width with every screen on it. */
    async sheets(page: Page): Promise<string[]> {
      const made: string[] = [];
      if (!hasPictures) return made;
      for (const { width, height } of SIZES) {
        const across = width > 1000 ? 360 : 150;
        const figures = shots
          .filter((shot) => shot.width === width)
          .map(
            ({ name, theme, file }) =>
              `<figure><img src="${file}" width="${across}" height="${Math.round((across * height) / width)}"><figcaption>${name} · ${theme}</figcaption></figure>`,
          );
        const html = join(OUT, `sheet-${width}.html`);
        writeFileSync(
          html,
          `<!doctype html><meta charset="utf-8"><style>body{margin:16px;background:#888;font:12px system-ui;display:flex;flex-wrap:wrap;gap:12px}figure{margin:0}img{display:block}</style>${figures.join('')}`,
        );
        await page.setViewportSize({ width: 1540, height: 900 });
        await page.goto(pathToFileURL(html).href, { waitUntil: 'load' });
        const path = join(OUT, `sheet-${width}.png`);
        await page.screenshot({ path, fullPage: true });
        made.push(path);
      }
      return made;
    },
  };
}
