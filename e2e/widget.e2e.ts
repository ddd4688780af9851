import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Contact, IdentitySecret, Inbox } from '@parley/contract';
import { startBrowser, type TestBrowser } from './lib/browser.ts';
import { createCall, OWNER, setUpOwner, signIn, startParley, type Call, type Parley } from './lib/parley.ts';
import { see, until } from './lib/see.ts';
import { startHostPage, widgetOn } from './lib/widget.ts';

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
});

type Chat = { identify(said: object): void; destroy(): void };
