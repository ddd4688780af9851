import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { startBrowser, type Tab, type TestBrowser } from './lib/browser.ts';
import { overflowingText } from './lib/checks.ts';
import { startCompany, type Company } from './lib/company.ts';
import { createGallery } from './lib/gallery.ts';
import { OWNER, startParley, type Parley } from './lib/parley.ts';
import { gone, see, until } from './lib/see.ts';
import { startHostPage, widgetOn } from './lib/widget.ts';

/**
 * Every screen in light and dark, checked: nothing serious for axe, and no text that leaves the screen at 360 px or at
 * 200 % zoom. With --pictures also as pictures for people, at three widths.
 */
describe('screens', () => {
  const gallery = createGallery();
  let browser: TestBrowser;
  let parley: Parley;
  let company: Company;
  let owner: Tab;
  const problems: string[] = [];

  const inspect = async (page: Page, name: string, widths?: readonly number[]): Promise<void> => {
    problems.push(...(await gallery.inspect(page, name, widths)));
  };
  const step = (name: string, work: () => Promise<void>): void => {
    it(name, async () => {
      assert.ok(company || name.startsWith('before'), 'there is no company to look at');
      return browser.watched(name.replaceAll(/\W+/g, '-').slice(0, 40), async () => {
        problems.length = 0;
        await work();
        assert.deepEqual(problems, []);
      });
    });
  };

  before(async () => {
    browser = await startBrowser();
  });
  after(async () => {
    const tab = await browser.tab();
    for (const sheet of await gallery.sheets(tab.page)) console.log(sheet);
    await browser?.close();
    await company?.close();
    await parley?.stop();
  });

  step('before anybody owns it: sign-in, set-up', async () => {
    company = await startCompany(async (env) => {
      parley = await startParley(env);
      const stranger = await browser.tab();
      await stranger.page.goto(`${parley.url}/sign-in`);
      await see(stranger.page.getByText('Nobody owns this Parley yet'));
      await inspect(stranger.page, 'sign-in-first');
      await stranger.page.goto(parley.setupLink());
      await see(stranger.page.getByLabel('Your name'));
      await inspect(stranger.page, 'set-up');
      await stranger.context.close();
      return parley;
    }, browser);
    owner = await company.signedIn();
  });

  step('without a login: sign-in, its refusal, an invitation', async () => {
    const { page, context } = await browser.tab();
    await page.goto(`${parley.url}/sign-in`);
    await see(page.getByLabel('Password'));
    await inspect(page, 'sign-in');
    await page.getByLabel('E-mail').fill('nobody@acme.test');
    await page.getByLabel('Password').fill('not the password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await see(page.getByRole('alert'));
    await inspect(page, 'sign-in-wrong');
    await page.goto(company.inviteUrl);
    await see(page.getByText('Join Acme Outdoor'));
    await inspect(page, 'accept-invite');
    await page.goto(`${parley.url}/accept-invite?token=used-up-long-ago`);
    await see(page.getByText('This invitation is over'));
    await inspect(page, 'accept-invite-over');
    await page.goto(`${parley.url}/sign-in`);
    await page.getByRole('link', { name: 'Forgot your password?' }).click();
    await see(page.getByText('printed in the log of the server'));
    await inspect(page, 'forgot-password');
    await page.getByLabel('E-mail').fill(OWNER.email);
    await page.getByRole('button', { name: 'Print the link' }).click();
    await see(page.getByText('Look into the log of the server'));
    await inspect(page, 'forgot-password-printed');
    const printed = /\/reset-password#token=[\w-]+/;
    await until(async () => printed.test(parley.screen()), 'the link is in the log');
    await page.goto(`${parley.url}${printed.exec(parley.screen())?.[0]}`);
    await see(page.getByLabel('New password'));
    await inspect(page, 'reset-password');
    await page.goto(`${parley.url}/prove-address#token=used-up-long-ago`);
    await page.getByRole('button', { name: 'Confirm the address' }).click();
    await see(page.getByText('This link is over'));
    await inspect(page, 'prove-address-over');
    await context.close();
  });

  step('the desk', async () => {
    const { page } = owner;
    const { answered, waiting, mine } = company.conversations;
    await page.goto(`${parley.url}/inbox/open`);
    await see(page.getByText('Maria Virtanen'));
    await inspect(page, 'inbox');
    await page.goto(`${parley.url}/inbox/open/${answered}`);
    await see(page.getByRole('list', { name: 'Sources' }));
    await inspect(page, 'thread-bot');
    await page.getByRole('list', { name: 'Sources' }).getByRole('button').first().click();
    await see(page.getByText('Open in knowledge'));
    await inspect(page, 'thread-passage');
    await page.goto(`${parley.url}/inbox/mine/${mine}`);
    await see(page.getByText('Third tent from the same batch.'));
    await inspect(page, 'thread-agent');
    await page.goto(`${parley.url}/inbox/waiting/${waiting}`);
    await see(page.getByRole('button', { name: /^Pick up/ }));
    await inspect(page, 'thread-waiting');
    await page.goto(`${parley.url}/queue`);
    await see(page.getByText('Juho Korhonen'));
    await inspect(page, 'queue');
    await page.goto(`${parley.url}/inbox/open?q=zzzz`);
    await see(page.getByText('Nothing matches'));
    await inspect(page, 'inbox-no-match');
    await page.keyboard.press('Control+k');
    await see(page.getByRole('dialog').getByRole('combobox'));
    await inspect(page, 'command-bar', [1440, 360]);
    await page.keyboard.press('Escape');
    await gone(page.getByRole('dialog'));
    await page.keyboard.press('?');
    await see(page.getByRole('dialog', { name: 'Keyboard' }));
    await inspect(page, 'key-sheet', [1440, 360]);
  });

  step('the studio', async () => {
    const { page } = owner;
    const { base, source, bot, web, telegram } = company.ids;
    const go = async (path: string, name: string, ready: string | RegExp): Promise<void> => {
      await page.goto(`${parley.url}/studio${path}`);
      await see(page.getByRole('main').getByText(ready));
      await inspect(page, name);
    };
    await go('', 'studio', 'Knowledge');
    await go('/knowledge', 'knowledge', 'Help centre');
    await go(`/knowledge/${base}`, 'knowledge-base', /Ready, \d/);
    await go(`/knowledge/${base}?tab=search&q=how+long+does+a+refund+take`, 'knowledge-search', 'Meaning');
    await go(`/knowledge/${base}/sources/${source}`, 'source', 'Passages that search finds');
    await go('/bots', 'bots', 'Robin');
    await page.goto(`${parley.url}/studio/bots/${bot}?tab=playground`);
    await page.getByLabel('Ask the bot').fill('How long does a refund take?');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.getByRole('button', { name: 'How it was made' }).click();
    await see(page.getByText(/s in all/));
    await inspect(page, 'bot');
    await go(`/bots/${bot}`, 'bot-settings', 'Greeting');
    await go('/inboxes', 'inboxes', 'Connect another channel');
    await go('/inboxes/connect/web', 'connect-web', 'Name it and choose who answers');
    await go(`/inboxes/connect/web?inbox=${web}`, 'connect-web-done', 'Say hello');
    await go('/inboxes/connect/telegram', 'connect-telegram', 'Make a bot at Telegram');
    await go(`/inboxes/${web}`, 'inbox-settings-web', 'On your website');
    await go(`/inboxes/${telegram}`, 'inbox-settings-telegram', 'Credentials');
    await go('/members', 'members', 'Bo Berg');
    await page.goto(`${parley.url}/studio/members?invite=1`);
    await see(page.getByRole('dialog').getByLabel('E-mail'));
    await inspect(page, 'members-invite');
    await go('/settings', 'settings', 'Appearance');
    await go('/account', 'account', 'Where you are signed in');
    await go('/webhooks', 'webhooks', 'No webhooks yet');
    await page.goto(`${parley.url}/studio/webhooks?new=1`);
    await see(page.getByRole('dialog').getByLabel('Address'));
    await inspect(page, 'webhooks-new');
    await go('/queues', 'queues', 'Reads documents, pages and answers');
    await go('/queues?queue=knowledge', 'queues-failed', 'Nothing failed here');
    await go('/mail', 'mail', 'Link for a new password');
    await page.goto(`${parley.url}/nowhere`);
    await see(page.getByText('Nothing is here'));
    await inspect(page, 'missing');
  });

  step('empty, loading and failing', async () => {
    const { page, context } = await company.signedIn({}, 'Nothing here yet');
    const screens: [path: string, name: string, text: string][] = [
      ['/inbox/open', 'empty-inbox', 'No conversations yet'],
      ['/queue', 'empty-queue', 'Nobody is waiting'],
      ['/studio/knowledge', 'empty-knowledge', 'No knowledge yet'],
      ['/studio/bots', 'empty-bots', 'No bots yet'],
      ['/studio/inboxes', 'empty-inboxes', 'Connect your first channel'],
    ];
    for (const [path, name, text] of screens) {
      await page.goto(parley.url + path);
      await see(page.getByText(text));
      await inspect(page, name);
    }
    await context.route(/\/api\/v1\/(conversations|knowledge-bases)(\?|$)/, () => {
      // Never answered: the screen waits.
    });
    await page.goto(`${parley.url}/inbox/open`);
    await see(
      page.getByRole('status', { name: 'Loading' }).or(page.getByText('Loading')).or(page.getByLabel('Loading')),
    );
    await inspect(page, 'loading-inbox');
    await context.unrouteAll({ behavior: 'ignoreErrors' });
    await context.route(/\/api\/v1\/(conversations|knowledge-bases)(\?|$)/, (route) =>
      route.fulfill({
        status: 500,
        headers: { 'x-request-id': '01890000-0000-7000-8000-000000000000' },
        json: { success: false, error: { code: 'internal', message: 'Something went wrong on our side.' } },
      }),
    );
    for (const [path, name] of [
      ['/inbox/open', 'error-inbox'],
      ['/studio/knowledge', 'error-knowledge'],
    ]) {
      await page.goto(`${parley.url}${path}`);
      await see(page.getByText('The server failed'), 30_000);
      await inspect(page, String(name));
    }
    await context.unrouteAll({ behavior: 'ignoreErrors' });
    await context.close();
  });

  step('the widget and the hosted chat', async () => {
    const host = await startHostPage(() => company.snippet);
    const { page, context } = await browser.tab();
    try {
      await page.goto(host.url);
      const chat = widgetOn(page);
      await see(chat.launcher);
      await inspect(page, 'widget-closed', [1440, 360]);
      await chat.open();
      await see(page.getByRole('button', { name: 'Do you ship to Norway?' }));
      await inspect(page, 'widget-open');
      await chat.say('Do you ship to Norway?');
      await see(chat.sources, 30_000);
      await inspect(page, 'widget-answer');
      await chat.sources.first().click();
      await see(page.getByRole('button', { name: 'Back to the conversation' }));
      await inspect(page, 'widget-source', [1440, 360]);
      await page.getByRole('button', { name: 'Back to the conversation' }).click();
      await chat.person.click();
      await see(chat.queue);
      await inspect(page, 'widget-queue');
      const [latest] = await company.call<{ id: string }[]>('GET', '/conversations?status=waiting&limit=1');
      await company.call('POST', `/conversations/${latest?.id}/take-over`);
      await company.call('POST', `/conversations/${latest?.id}/messages`, {
        text: 'Hello, Olivia here. Which order is it about?',
      });
      await see(chat.said('Which order'));
      await inspect(page, 'widget-human');
      await page.goto(company.chatUrl);
      await see(chat.input);
      await inspect(page, 'hosted-chat');
    } finally {
      await context.close();
      host.close();
    }
  });

  step('the API reference', async () => {
    const { page, context } = await browser.tab();
    await page.goto(`${parley.url}/docs`);
    await see(page.getByRole('heading', { name: /Parley/ }), 30_000);
    await gallery.picture(page, 'docs');
    await context.close();
  });

  for (const [locale, name] of [
    ['de-DE', 'German'],
    ['fi-FI', 'Finnish'],
  ] as const) {
    step(`${name} fits at 360 px and at 200 % zoom`, async () => {
      const tab = await company.signedIn({ locale });
      const { base, source, bot, web, telegram } = company.ids;
      const { answered, waiting, mine } = company.conversations;
      const paths = [
        `/inbox/open/${answered}`,
        `/inbox/waiting/${waiting}`,
        `/inbox/mine/${mine}`,
        '/inbox/open',
        '/queue',
        '/studio',
        '/studio/knowledge',
        `/studio/knowledge/${base}`,
        `/studio/knowledge/${base}/sources/${source}`,
        `/studio/bots/${bot}`,
        '/studio/inboxes',
        `/studio/inboxes/connect/telegram`,
        `/studio/inboxes/${web}`,
        `/studio/inboxes/${telegram}`,
        '/studio/members',
        '/studio/settings',
        '/studio/webhooks',
        '/studio/queues?queue=knowledge',
        '/studio/mail',
        '/forgot-password',
        '/reset-password#token=not-used-at-all',
      ];
      for (const path of paths) {
        await tab.page.goto(parley.url + path);
        await see(tab.page.getByRole('main'));
        await tab.page.waitForLoadState('networkidle');
        for (const size of [
          { width: 360, height: 740 },
          { width: 720, height: 450 },
        ]) {
          await tab.page.setViewportSize(size);
          const said = await overflowingText(tab.page);
          problems.push(...said.map((text) => `${path.replaceAll(/[0-9a-f-]{36}/g, '…')} ${size.width}: ${text}`));
        }
      }
      await tab.page.setViewportSize({ width: 360, height: 740 });
      await gallery.picture(tab.page, `settings-${locale}`, [360]);
      await tab.context.close();
      const visitor = await browser.tab({ locale, width: 360, height: 740 });
      await visitor.page.goto(company.chatUrl);
      await visitor.page.getByRole('textbox').fill('Do you ship to Norway?');
      await visitor.page.keyboard.press('Enter');
      await see(visitor.page.getByText(/six to eight days/), 30_000);
      problems.push(...(await overflowingText(visitor.page)).map((text) => `chat: ${text}`));
      await gallery.picture(visitor.page, `hosted-chat-${locale}`, [360]);
      await visitor.context.close();
    });
  }
});
