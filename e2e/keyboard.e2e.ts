import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { startBrowser, type Tab, type TestBrowser } from './lib/browser.ts';
import { startCompany, type Company } from './lib/company.ts';
import { agentOn } from './lib/desk.ts';
import { startParley } from './lib/parley.ts';
import { gone, see, until } from './lib/see.ts';
import { startHostPage, widgetOn } from './lib/widget.ts';

/** The main jobs without a mouse: nothing here clicks. */
describe('with the keyboard only', () => {
  let browser: TestBrowser;
  let company: Company;
  let agent: Tab;

  before(async () => {
    browser = await startBrowser();
    company = await startCompany(startParley, browser);
    agent = await company.signedIn();
    await agent.page.goto(`${company.parley.url}/inbox/all`);
  });
  after(async () => {
    await browser?.close();
    await company?.close();
  });

  const step = (name: string, work: () => Promise<void>): void => {
    it(name, () => browser.watched(`keyboard-${name.replaceAll(/\W+/g, '-').slice(0, 30)}`, work));
  };
  /** Presses Tab until what has the focus is called `name`. */
  async function tabTo(page: Page, name: RegExp, most = 30): Promise<void> {
    const focused = () =>
      page.evaluate(() => {
        let element = document.activeElement;
        while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
        return element?.getAttribute('aria-label') ?? element?.textContent ?? '';
      });
    for (let pressed = 0; pressed < most; pressed += 1) {
      await page.keyboard.press('Tab');
      if (name.test((await focused()).trim())) return;
    }
    throw new Error(`Tab does not reach ${String(name)}`);
  }

  step('j, k and Enter open a conversation; r replies, n writes a note, e resolves and reopens', async () => {
    const { page } = agent;
    const rows = page.getByRole('region', { name: 'Conversations' }).getByRole('link');
    await see(rows.filter({ hasText: 'Aino Laine' }));
    const focused = async () => rows.evaluateAll((all) => all.findIndex((row) => row === document.activeElement));
    await page.keyboard.press('j');
    assert.equal(await focused(), 0);
    await page.keyboard.press('j');
    assert.equal(await focused(), 1);
    await page.keyboard.press('k');
    assert.equal(await focused(), 0);
    const names = await rows.allTextContents();
    const aino = names.findIndex((text) => text.includes('Aino Laine'));
    for (let row = 0; row < aino; row += 1) await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    const desk = agentOn(page);
    await see(page.getByRole('heading', { name: 'Aino Laine' }));
    await see(desk.input);

    await page.keyboard.press('r');
    await page.keyboard.type('The poles left today.');
    await page.keyboard.press('Enter');
    await see(desk.messages.getByText('The poles left today.'));
    await page.keyboard.press('Escape');

    await page.keyboard.press('n');
    await see(page.getByText('Only your team sees notes'));
    await page.keyboard.type('Call her on Friday.');
    await page.keyboard.press('Enter');
    await see(desk.messages.getByText('Call her on Friday.'));
    await page.keyboard.press('Escape');

    await page.keyboard.press('e');
    await see(page.getByRole('button', { name: 'Reopen' }));
    await see(page.getByRole('button', { name: 'Undo' }));
    await page.keyboard.press('e');
    await see(page.getByRole('button', { name: /^Resolve/ }));
    // The button changes at once; this line comes when it is done.
    await see(desk.messages.getByText(/reopened the conversation/));
  });

  step('a assigns', async () => {
    const { page } = agent;
    await page.keyboard.press('a');
    await see(page.getByRole('menuitem', { name: /Bo Berg/ }));
    await page.keyboard.type('Bo');
    await page.keyboard.press('Enter');
    await gone(page.getByRole('menu'));
    await until(async () => {
      const { assignee } = await company.call<{ assignee: { name: string } | null }>(
        'GET',
        `/conversations/${company.conversations.mine}`,
      );
      return assignee?.name === 'Bo Berg';
    }, 'the conversation is Bo’s');
  });

  step('/ searches, Esc leaves the search', async () => {
    const { page } = agent;
    await page.keyboard.press('/');
    await page.keyboard.type('Juho');
    const list = page.getByRole('region', { name: 'Conversations' });
    await gone(list.getByRole('link', { name: /Maria Virtanen/ }));
    await see(list.getByRole('link', { name: /Juho Korhonen/ }));
    await page.keyboard.press('Escape');
  });

  step('the command bar goes to the queue, where p picks up the next; ? shows the keys', async () => {
    const { page } = agent;
    await page.keyboard.press('Control+k');
    await page.keyboard.type('queue');
    await page.keyboard.press('Enter');
    await see(page.getByRole('heading', { name: 'Queue' }));
    await page.keyboard.press('?');
    await see(page.getByRole('dialog', { name: 'Keyboard' }));
    await page.keyboard.press('Escape');
    await gone(page.getByRole('dialog'));
    await see(page.getByText('Juho Korhonen'));
    await page.keyboard.press('p');
    await see(page.getByRole('heading', { name: 'Juho Korhonen' }));
    await see(agentOn(page).input);
    assert.deepEqual(agent.problems, []);
  });

  step('the chat opens, answers, shows a source, and closes; the focus comes back', async () => {
    const host = await startHostPage(() => company.snippet);
    try {
      const { page } = await browser.tab();
      await page.goto(host.url);
      const chat = widgetOn(page);
      await see(chat.launcher);
      await tabTo(page, /^(Open chat|Chat)$/);
      await page.keyboard.press('Enter');
      await see(chat.input);
      await until(() => chat.input.evaluate((input) => input.matches(':focus')), 'the focus is in the input');
      await page.keyboard.type('Do you ship to Norway?');
      await page.keyboard.press('Enter');
      await see(chat.sources, 30_000);
      await tabTo(page, /^Source: /);
      await page.keyboard.press('Enter');
      await see(page.getByRole('button', { name: 'Back to the conversation' }));
      await page.keyboard.press('Escape');
      await gone(page.getByRole('button', { name: 'Back to the conversation' }));
      await tabTo(page, /^Talk to a person$/);
      await page.keyboard.press('Enter');
      await see(chat.queue);
      await page.keyboard.press('Escape');
      await gone(chat.input);
      assert.ok(await chat.launcher.evaluate((button) => button.matches(':focus')), 'the focus is on the launcher');
    } finally {
      host.close();
    }
  });
});
