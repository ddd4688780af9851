import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Locator, Page } from 'playwright-core';
import { see } from './see.ts';

/** The chat as a visitor sees it, floating on a page or as a page of its own. */
export function widgetOn(page: Page) {
  const launcher = page.getByRole('button', { name: /^(Open chat|Chat$)/ });
  const input = page.getByRole('textbox', { name: 'Write a message' });
  const log = page.getByRole('log');
  return {
    launcher,
    input,
    log,
    /** every message of one side, by its words */
    said: (text: string | RegExp): Locator => log.getByText(text),
    sources: log.getByRole('button', { name: /^Source: / }),
    person: page.getByRole('button', { name: 'Talk to a person' }).first(),
    /** offered under the bot's last message */
    choice: (text: string): Locator => log.getByRole('button', { name: text }),
    /** the line that tells the place in the queue */
    queue: page.getByText(/You can close this, we keep your place/),
    typing: page.getByRole('status').filter({ hasText: /is typing/ }),
    async open(): Promise<void> {
      await launcher.click();
      await see(input);
    },
    async say(text: string): Promise<void> {
      await input.fill(text);
      await page.getByRole('button', { name: 'Send' }).click();
    },
  };
}

export type Widget = ReturnType<typeof widgetOn>;

/** Somebody's own website, on another origin, with the snippet in it as it was copied. */
export async function startHostPage(
  snippet: () => string,
  around: { lang?: string; head?: string; headers?: Record<string, string> } = {},
) {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    for (const [name, value] of Object.entries(around.headers ?? {})) response.setHeader(name, value);
    response.end(`<!doctype html><html lang="${around.lang ?? 'en'}"><head><title>Acme Outdoor</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{font:16px/1.5 Georgia,serif;margin:0;color:#243b2f;background:#fbfaf6}main{max-width:44rem;margin:0 auto;padding:3rem 1.25rem}
h1{font-size:2.2rem;line-height:1.15}</style>${around.head ?? ''}</head>
<body><main><h1>Tents that stand when the wind does not</h1>
<p>Acme Outdoor makes tents, stoves and sleeping bags, and repairs them for as long as you keep them.</p>
<p>Orders are packed in Tampere and leave the same day.</p></main>
${snippet()}</body></html>`);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    // Another name of the loopback is another origin, as a customer's site is.
    url: `http://localhost:${port}/`,
    close(): void {
      server.closeAllConnections();
      server.close();
    },
  };
}
