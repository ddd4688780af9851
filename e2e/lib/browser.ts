import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const OUT = fileURLToPath(new URL('../out', import.meta.url));

export type Tab = { page: Page; context: BrowserContext; problems: string[] };

export type Look = {
  width?: number;
  height?: number;
  theme?: 'light' | 'dark';
  locale?: string;
  touch?: boolean;
  /** written into localStorage of `origin` before anything runs */
  storage?: { origin: string; values: Record<string, string> };
};

/**
 * A browser of its own. Every tab is a person of its own: nothing is shared between them. The widget keeps its shadow
 * root closed to the page around it; here it is open, so that a test finds in it what a person sees in it.
 */
export async function startBrowser() {
  const home = mkdtempSync(join(tmpdir(), 'parley-browser-'));
  const browser: Browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args,
    // Chromium writes its crash database and caches below HOME.
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
  });

  const tabs: Tab[] = [];

  return {
    async tab(look: Look = {}): Promise<Tab> {
      const { width = 1440, height = 900, theme = 'light', locale = 'en-GB', touch = false, storage } = look;
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: theme,
        reducedMotion: 'reduce',
        locale,
        timezoneId: 'Europe/Helsinki',
        hasTouch: touch,
        permissions: ['clipboard-read', 'clipboard-write'],
        ...(storage
          ? {
              storageState: {
                cookies: [],
                origins: [
                  {
                    origin: storage.origin,
                    localStorage: Object.entries(storage.values).map(([name, value]) => ({ name, value })),
                  },
                ],
              },
            }
          : {}),
      });
      context.setDefaultTimeout(15_000);
      await context.addInitScript(() => {
        const attach = Element.prototype.attachShadow;
        Element.prototype.attachShadow = function open(options) {
          return attach.call(this, { ...options, mode: 'open' });
        };
      });
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
      page.on('console', (message) => {
        // The browser reports every refused request here as well; what it means is asserted where it is expected.
        if (message.type() !== 'error' || /Failed to load resource|WebSocket connection/.test(message.text())) return;
        problems.push(`console: ${message.text()}`);
      });
      const tab = { page, context, problems };
      tabs.push(tab);
      return tab;
    },
    /** Runs `work`; when it fails, leaves a picture of every tab beside the other pictures and says where. */
    async watched(name: string, work: () => Promise<void>): Promise<void> {
      try {
        await work();
      } catch (error) {
        mkdirSync(OUT, { recursive: true });
        for (const [index, { page, problems }] of tabs.entries()) {
          const path = join(OUT, `failed-${name}-${index + 1}.png`);
          await page.screenshot({ path }).catch(() => undefined);
          console.error(`${path}  ${page.url()}`, ...problems);
        }
        throw error;
      }
    },
    async close(): Promise<void> {
      await browser.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export type TestBrowser = Awaited<ReturnType<typeof startBrowser>>;
