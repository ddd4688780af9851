import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { OUT, startBrowser, type Tab, type TestBrowser } from './lib/browser.ts';
import { accessibilityProblems, overflowingText } from './lib/checks.ts';
import { createCall, OWNER, setUpOwner, signIn, startParley, type Parley } from './lib/parley.ts';
import { gone, see, until } from './lib/see.ts';

/** Being signed in, in several tabs, and one's own account. */
describe('the account', () => {
  let browser: TestBrowser;
  let parley: Parley;

  before(async () => {
    browser = await startBrowser();
    parley = await startParley({ PARLEY_DEMO: '0' });
    await setUpOwner(parley);
  });
  after(async () => {
    await browser?.close();
    await parley?.stop();
  });

  const step = (name: string, work: () => Promise<void>): void => {
    it(name, () => browser.watched(`account-${name.replaceAll(/\W+/g, '-').slice(0, 30)}`, work));
  };
  const heading = (page: Page, name: string) => page.getByRole('heading', { name, level: 1 });
  const atSignIn = (page: Page) => see(heading(page, 'Sign in to Parley'));
  const pathOf = (page: Page) => page.url().slice(parley.url.length);
  async function enter(page: Page): Promise<void> {
    await page.getByLabel('E-mail').fill(OWNER.email);
    await page.getByLabel('Password').fill(OWNER.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }
  async function signedIn(): Promise<Tab> {
    const tab = await browser.tab();
    await tab.page.goto(`${parley.url}/studio/settings`);
    await atSignIn(tab.page);
    await enter(tab.page);
    await see(heading(tab.page, 'Settings'));
    return tab;
  }

  step('signing out in one tab ends in the sign-in page in every tab, and signing in leads back', async () => {
    const { page, context, problems } = await signedIn();
    const other = await context.newPage();
    await other.goto(`${parley.url}/studio/account?from=a%26b`);
    await see(other.getByText(OWNER.email));
    await page.goto(`${parley.url}/studio/members`);
    await see(page.getByText(OWNER.email));

    await page.getByRole('button', { name: 'You and your workspaces' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await atSignIn(other);
    await gone(other.getByText(OWNER.email));
    assert.equal(new URL(other.url()).searchParams.get('next'), '/studio/account?from=a%26b');
    await atSignIn(page);
    assert.equal(pathOf(page), '/sign-in');
    // The browser's way back shows nothing either.
    await page.goBack();
    await atSignIn(page);
    await gone(page.getByText(OWNER.email));

    await enter(other);
    await see(other.getByText(OWNER.email));
    assert.equal(pathOf(other), '/studio/account?from=a%26b');
    // And the tab it was done in goes on as well.
    await see(heading(page, 'Settings'));
    assert.deepEqual(problems, []);
    await context.close();
  });

  step('a sign-in that was ended elsewhere ends in every tab without a click', async () => {
    const { page, context } = await signedIn();
    const other = await context.newPage();
    await other.goto(`${parley.url}/studio/members`);
    await see(other.getByText(OWNER.email));
    const { accessToken } = await signIn(parley.url, OWNER);
    await createCall(parley.url, accessToken)('DELETE', '/me/sessions');
    await Promise.all([atSignIn(page), atSignIn(other)]);
    assert.equal(new URL(page.url()).searchParams.get('next'), '/studio/settings');
    await context.close();
  });

  step('reloading again and again, and many tabs at once without locks, sign nobody out', async () => {
    const { page, context } = await signedIn();
    // Each begins while the one before it waits for its answer.
    for (let count = 0; count < 6; count += 1)
      await page.goto(`${parley.url}/studio/settings?again=${count}`, { waitUntil: 'commit' });
    await see(heading(page, 'Settings'));
    await context.addInitScript(() => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }));
    const tabs = await Promise.all(Array.from({ length: 4 }, () => context.newPage()));
    for (let round = 0; round < 2; round += 1) {
      await Promise.all(tabs.map((tab) => tab.goto(`${parley.url}/studio/settings`)));
      await Promise.all(tabs.map((tab) => see(heading(tab, 'Settings'))));
    }
    await context.close();
  });

  step('leads to no other site', async () => {
    for (const next of ['//evil.example', 'https://evil.example/', '/\\evil.example']) {
      const { page, context } = await browser.tab();
      await page.goto(`${parley.url}/sign-in?next=${encodeURIComponent(next)}`);
      await enter(page);
      await see(page.getByRole('navigation', { name: 'Main' }));
      assert.ok(page.url().startsWith(`${parley.url}/`), page.url());
      await context.close();
    }
  });

  step('name, password and sessions', async () => {
    await signIn(parley.url, OWNER);
    const { page, context } = await signedIn();
    await page.goto(`${parley.url}/studio/account`);
    await see(page.getByText('This browser'));
    const sessions = page.getByRole('listitem').filter({ hasText: 'last used' });
    await until(async () => (await sessions.count()) > 1, 'the others are listed');

    await page.getByLabel('Your name').fill('Olivia Oy');
    await page.getByRole('button', { name: 'Save the name' }).click();
    await see(page.getByRole('main').getByText('Olivia Oy', { exact: true }));

    mkdirSync(OUT, { recursive: true });
    for (const [width, height] of [
      [1280, 900],
      [360, 740],
    ] as const) {
      await page.setViewportSize({ width, height: 2400 });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.screenshot({ path: join(OUT, `account-${width}-${colorScheme}.png`), animations: 'disabled' });
        await page.setViewportSize({ width, height });
        assert.deepEqual(await overflowingText(page), []);
        assert.deepEqual(await accessibilityProblems(page), []);
        await page.setViewportSize({ width, height: 2400 });
      }
    }
    await page.setViewportSize({ width: 1280, height: 900 });

    const passwords = page.locator('form').filter({ has: page.getByRole('button', { name: 'Change password' }) });
    await passwords.getByLabel('Current password').fill('not the password');
    await passwords.getByLabel('New password').fill('another good password');
    await passwords.getByRole('button').click();
    await see(passwords.getByText('This is not your current password'));
    await passwords.getByLabel('Current password').fill(OWNER.password);
    await passwords.getByRole('button').click();
    await see(page.getByText('The password is changed.'));
    await until(async () => (await sessions.count()) === 1, 'the others have ended');
    await context.close();
  });
});
