import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startBrowser, type TestBrowser } from './lib/browser.ts';
import { createGallery } from './lib/gallery.ts';
import { OWNER, startParley, type Parley } from './lib/parley.ts';
import { gone, see, until } from './lib/see.ts';
import { widgetOn } from './lib/widget.ts';

/** What somebody sees who has just started Parley and knows nothing of it. */
describe('the demo', () => {
  let parley: Parley;
  let browser: TestBrowser;

  before(async () => {
    [parley, browser] = await Promise.all([startParley(), startBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await parley?.stop();
  });

  it('answers about Parley with sources, declines nonsense, hands over, and the owner finds it in the inbox', () =>
    browser.watched('demo', async () => {
      const screen = parley.screen();
      for (const told of ['/demo', '/docs', '/health', 'embedded']) assert.ok(screen.includes(told), screen);
      const visitor = await browser.tab();
      await visitor.page.goto(`${parley.url}/demo`);
      const chat = widgetOn(visitor.page);
      await see(chat.launcher);
      assert.deepEqual(await createGallery().inspect(visitor.page, 'demo'), []);
      await chat.open();
      await see(chat.said(/Ask me anything about Parley/));
      await see(visitor.page.getByRole('button', { name: 'How do I connect Telegram?' }));

      await chat.say('How do I connect Telegram?');
      await see(chat.said(/BotFather|bot token|token/i), 40_000);
      await see(chat.sources);
      await chat.sources.first().click();
      const back = visitor.page.getByRole('button', { name: 'Back to the conversation' });
      await see(back);
      await see(visitor.page.getByRole('region').getByText(/Telegram/));
      await back.click();
      await gone(back);

      await chat.say('What will the weather in Oulu be tomorrow?');
      await see(chat.said(/could not find this in Parley’s guides/));
      await chat.choice('Ask differently').click();
      await until(() => chat.input.evaluate((node) => node.matches(':focus')), 'it waits for other words');
      await chat.choice('Talk to a person').click();
      await see(visitor.page.getByText(/You are next/));
      await gone(chat.choice('Talk to a person'));
      assert.equal(await chat.person.isVisible(), false, 'somebody who waits is not asked to wait again');

      const owner = await browser.tab();
      await owner.page.goto(parley.setupLink());
      await owner.page.getByLabel('Your name').fill(OWNER.name);
      await owner.page.getByLabel('E-mail').fill(OWNER.email);
      await owner.page.getByLabel('Password').fill(OWNER.password);
      await owner.page.getByLabel('Workspace name').fill('Acme Outdoor');
      await owner.page.getByRole('button', { name: 'Set up Parley' }).click();
      const row = owner.page.getByRole('link', { name: /Visitor.*Demo page/ });
      await see(row);
      await row.first().click();
      await see(owner.page.getByText('What will the weather in Oulu be tomorrow?').last());
      await see(owner.page.getByRole('button', { name: /^Pick up/ }));

      await visitor.page.reload();
      const again = widgetOn(visitor.page);
      await again.open();
      await see(again.said('What will the weather in Oulu be tomorrow?'));
      await see(visitor.page.getByText(/You are next/));
      assert.deepEqual([...visitor.problems, ...owner.problems], []);
    }));
});
