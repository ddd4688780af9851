import { after, before, describe, it } from 'node:test';
import type { Inbox } from '@parley/contract';
import { startBrowser, type Tab, type TestBrowser } from './lib/browser.ts';
import { createCall, OWNER, setUpOwner, signIn, startParley, type Parley } from './lib/parley.ts';
import { gone, see } from './lib/see.ts';
import { startHostPage, widgetOn } from './lib/widget.ts';

/** Attack 38: the next person on a shared computer. */
describe('a chat on a shared computer', () => {
  let parley: Parley;
  let browser: TestBrowser;
  let inbox: Inbox;
  let first: Tab;

  before(async () => {
    [parley, browser] = await Promise.all([startParley({ PARLEY_DEMO: '0' }), startBrowser()]);
    await setUpOwner(parley);
    const { accessToken } = await signIn(parley.url, OWNER);
    const settings = { title: 'Acme Outdoor' };
    const made = { name: 'Website', channel: 'web', botId: null, settings };
    inbox = await createCall(parley.url, accessToken)<Inbox>('POST', '/inboxes', made);
    first = await browser.tab();
  });
  after(async () => {
    await browser?.close();
    await parley?.stop();
  });

  it('is forgotten from the menu, in the other tab too, and after a reload', async () => {
    await browser.watched('forget', async () => {
      const url = `${parley.url}/chat/${inbox.token}`;
      await first.page.goto(url);
      const chat = widgetOn(first.page);
      await chat.say('My name is Ann and my order is 20413');
      await see(chat.said('My name is Ann and my order is 20413'));

      const second = await first.context.newPage();
      await second.goto(url);
      const other = widgetOn(second);
      await see(other.said('My name is Ann and my order is 20413'));
      await other.input.fill('A draft of Ann');

      await first.page.getByRole('button', { name: 'More' }).click();
      await first.page.getByRole('button', { name: 'End chat and forget it on this device' }).click();
      await gone(chat.said('My name is Ann and my order is 20413'));
      await gone(other.said('My name is Ann and my order is 20413'));
      await see(other.input);
      if ((await other.input.inputValue()) !== '') throw new Error('the draft of the first is still there');
      for (const page of [first.page, second]) {
        await page.reload();
        await see(widgetOn(page).input);
        await gone(widgetOn(page).said('My name is Ann and my order is 20413'));
      }
      // Somebody else begins anew.
      await other.say('Hello, I am Bo');
      await see(other.said('Hello, I am Bo'));
      await gone(other.said('My name is Ann and my order is 20413'));
    });
  });

  it('is another one for another person of the page around it', async () => {
    await browser.watched('identify', async () => {
      const snippet = `<script src="${parley.url}/widget.js" data-inbox="${inbox.token}" async></script>`;
      let person = 'ann';
      const host = await startHostPage(
        () => `<script>(window.Parley=window.Parley||[]).push(['identify',{id:'${person}'}])</script>${snippet}`,
      );
      try {
        const { page, context } = await browser.tab();
        await page.goto(host.url);
        const chat = widgetOn(page);
        await chat.open();
        await chat.say('I am Ann');
        await see(chat.said('I am Ann'));
        await page.reload();
        await chat.open();
        await see(chat.said('I am Ann'));
        person = 'bo';
        await page.reload();
        await chat.open();
        await see(chat.input);
        await gone(chat.said('I am Ann'));
        await context.close();
      } finally {
        host.close();
      }
    });
  });
});
