import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Contact, IdentitySecret, Inbox } from '@parley/contract';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { OUT, startBrowser, type TestBrowser } from './lib/browser.ts';
import { createCall, OWNER, setUpOwner, signIn, startParley, type Call, type Parley } from './lib/parley.ts';
import { gone, see, until } from './lib/see.ts';
import { startHostPage, widgetOn } from './lib/widget.ts';

const shot = (name: string): string => {
  mkdirSync(OUT, { recursive: true });
  return join(OUT, `widget-${name}.png`);
};

/** The chat on pages that are not made for it. */
describe('the widget on somebody else’s page', () => {
  let parley: Parley;
  let browser: TestBrowser;
  let inbox: Inbox;
  let call: Call;
  let snippet: string;

  before(async () => {
    [parley, browser] = await Promise.all([startParley({ PARLEY_DEMO: '0' }), startBrowser()]);
    await setUpOwner(parley);
    call = createCall(parley.url, (await signIn(parley.url, OWNER)).accessToken);
    const settings = { title: 'Acme Outdoor' };
    inbox = await call<Inbox>('POST', '/inboxes', { name: 'Website', channel: 'web', botId: null, settings });
    snippet = `<script src="${parley.url}/widget.js" data-inbox="${inbox.token}" async></script>`;
  });
  after(async () => {
    await browser?.close();
    await parley?.stop();
  });

  it('tells who the visitor is after the first word, and says what is refused', async () => {
    await browser.watched('proof', async () => {
      const { identitySecret } = await call<IdentitySecret>('GET', `/inboxes/${inbox.id}/identity-secret`);
      const hash = createHmac('sha256', identitySecret ?? '')
        .update('ann')
        .digest('hex');
      const host = await startHostPage(() => snippet);
      const { page, context } = await browser.tab();
      const warned: string[] = [];
      page.on('console', (line) => void (line.type() === 'warning' && warned.push(line.text())));
      const identify = (given: object) =>
        page.evaluate((said) => (globalThis as unknown as { Parley: Chat }).Parley.identify(said), given);
      const contacts = () => call<Contact[]>('GET', '/contacts');
      try {
        await page.goto(host.url);
        const chat = widgetOn(page);
        await chat.open();
        await chat.say('Where is my tent?');
        await see(chat.said('Where is my tent?'));
        await identify({ id: 'ann', name: 'Mallory', hash: hash.replace(/^./, (c) => (c === '0' ? '1' : '0')) });
        await until(async () => warned.some((line) => /Parley: .*hash/.test(line)), 'the console names the hash');
        assert.deepEqual(
          (await contacts()).map(({ name, unverified }) => [name, unverified]),
          [['Visitor', {}]],
        );
        await identify({ id: 'ann', name: 'Ann', hash });
        await until(async () => (await contacts())[0]?.userId === 'ann', 'the desk knows her id');
        assert.deepEqual(
          (await contacts()).map(({ name, unverified }) => [name, unverified]),
          [['Ann', { name: 'Ann' }]],
        );
        await see(chat.said('Where is my tent?'));
      } finally {
        await context.close();
        host.close();
      }
    });
  });

  it('is there, looks as it does and works on a page with every rule against it', async () => {
    await browser.watched('hostile', async () => {
      const nonce = 'r4nd0m';
      const csp = [
        "default-src 'none'",
        `script-src 'nonce-${nonce}'`,
        `style-src 'nonce-${nonce}'`,
        `connect-src ${parley.url} ${parley.url.replace('http', 'ws')}`,
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ];
      const rules = `body *,html>:not(head):not(body),parley-widget,button,div:empty,[hidden]{display:none!important;opacity:0!important;
        visibility:hidden!important;position:static!important;width:0!important;color:red!important;font-size:40px!important;transition:all 9s}
        body{transform:scale(.5);overflow:hidden;background:#fff}`;
      const host = await startHostPage(() => snippet.replace('<script', `<script nonce="${nonce}"`), {
        headers: { 'content-security-policy': csp.join(';') },
        head: `<style nonce="${nonce}">${rules}</style>`,
      });
      const { page, context, problems } = await browser.tab({ theme: 'dark' });
      try {
        await page.goto(host.url);
        const chat = widgetOn(page);
        await chat.open();
        await chat.say('Hello from a strict page');
        await see(chat.said('Hello from a strict page'));
        assert.equal(await page.locator('.w.dark').count(), 0, 'light on a light page, whatever the system says');
        await page.screenshot({ path: shot('hostile-desktop') });
        await page.setViewportSize({ width: 390, height: 800 });
        await page.screenshot({ path: shot('hostile-390') });
        await page.getByRole('button', { name: 'Close chat' }).last().click();

        // As Turbo does it, and as one does who takes away what is not known.
        await page.evaluate(() => document.body.replaceWith(document.createElement('body')));
        await see(chat.launcher);
        await page.evaluate(() => document.querySelector('parley-widget')?.remove());
        await see(chat.launcher);
        assert.equal(await page.locator('parley-widget').count(), 1);
        await chat.open();
        await see(chat.said('Hello from a strict page'));
        await page.emulateMedia({ media: 'print' });
        await gone(chat.input);
        await page.emulateMedia({ media: 'screen' });
        await see(chat.input);
        await page.evaluate(() => (globalThis as unknown as { Parley: Chat }).Parley.destroy());
        await gone(chat.input);
        await page.evaluate(() => document.body.replaceWith(document.createElement('body')));
        assert.equal(await page.locator('parley-widget').count(), 0, 'what the page took off stays off');
        assert.deepEqual(
          problems.filter((problem) => !/inline|Trusted/.test(problem)),
          [],
        );
      } finally {
        await context.close();
        host.close();
      }
    });
  });

  it('follows the page in its language and its colours, and says once that nobody knows its inbox', async () => {
    await browser.watched('manners', async () => {
      const looks: [head: string, dark: boolean][] = [
        ['', false],
        ['<style>html{color-scheme:light dark}body{background:none!important}</style>', true],
        ['<style>body{background:none!important}</style>', false],
        ['<style>body{background:#101418!important}</style>', true],
      ];
      for (const [head, dark] of looks) {
        const host = await startHostPage(() => snippet + snippet, { lang: 'de', head });
        const { page, context } = await browser.tab({ theme: 'dark', locale: 'fi-FI' });
        try {
          await page.goto(host.url);
          await page.getByRole('button', { name: /^Chat/ }).click();
          await see(page.getByRole('textbox', { name: 'Nachricht schreiben' }));
          assert.equal(await page.locator('.w.dark').count(), dark ? 1 : 0, head);
          assert.equal(await page.locator('parley-widget').count(), 1, 'two snippets are one chat');
          if (dark) await page.screenshot({ path: shot(`page-${head.includes('scheme') ? 'both' : 'dark'}`) });
        } finally {
          await context.close();
          host.close();
        }
      }
      for (const [tag, says] of [
        [snippet.replace(inbox.token, 'nobody-has-this-one'), /no chat nobody/],
        [snippet.replace(/ data-inbox="[^"]*"/, ''), /no data-inbox/],
      ] as const) {
        const host = await startHostPage(() => tag);
        const { page, context } = await browser.tab();
        const warned: string[] = [];
        page.on('console', (line) => void (line.text().startsWith('Parley:') && warned.push(line.text())));
        try {
          await page.goto(host.url);
          await until(async () => warned.length > 0, 'the console says it');
          assert.match(warned.join(), says);
          await gone(page.locator('parley-widget'));
        } finally {
          await context.close();
          host.close();
        }
      }
    });
  });

  it('is one chat in two tabs: begun in one, followed and read in the other', async () => {
    await browser.watched('tabs', async () => {
      const host = await startHostPage(() => snippet);
      const { page, context } = await browser.tab();
      try {
        const second = await context.newPage();
        const [here, there] = [widgetOn(page), widgetOn(second)];
        for (const tab of [page, second]) await tab.goto(host.url);
        await there.open();
        await here.open();
        await here.say('Begun in the first tab');
        await see(there.said('Begun in the first tab'));
        await there.input.fill('half a sentence');
        await there.say('And from the second');
        await see(here.said('And from the second'));
        for (const tab of [page, second]) await tab.getByRole('button', { name: 'Close chat' }).first().click();
        const { id = '' } = (await call<{ id: string }[]>('GET', '/conversations?limit=1'))[0] ?? {};
        await call('POST', `/conversations/${id}/messages`, { text: 'An answer for both' });
        const unread = (tab: typeof page) => tab.getByRole('button', { name: /1 unread/ });
        for (const tab of [page, second]) await see(unread(tab));
        await page.bringToFront();
        await unread(page).click();
        await see(here.said('An answer for both'));
        await gone(unread(second));
      } finally {
        await context.close();
        host.close();
      }
    });
  });
});

type Chat = { identify(said: object): void; destroy(): void };
