import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Conversation, ConversationCounts } from '@parley/contract';
import { startBrowser, type Tab, type TestBrowser } from './lib/browser.ts';
import { fillDesk } from './lib/crowd.ts';
import { agentOn } from './lib/desk.ts';
import { createGallery } from './lib/gallery.ts';
import { createCall, OWNER, setUpOwner, signIn, startParley, type Call, type Parley } from './lib/parley.ts';
import { gone, see, until } from './lib/see.ts';
import { widgetOn } from './lib/widget.ts';

/** The busy hour: two thousand conversations, one agent, no mouse. */
describe('the desk with 2,000 conversations', () => {
  let browser: TestBrowser;
  let parley: Parley;
  let call: Call;
  let agent: Tab;
  let chatUrl = '';
  /** what the page asked the server for */
  let asked: string[] = [];

  before(async () => {
    browser = await startBrowser();
    parley = await startParley({ PARLEY_DEMO: '0' });
    await setUpOwner(parley);
    const owner = createCall(parley.url, (await signIn(parley.url, OWNER)).accessToken);
    const inbox = await owner<{ chatUrl: string }>('POST', '/inboxes', { name: 'Website', channel: 'web' });
    chatUrl = inbox.chatUrl;
    await parley.restart('stop', (dataDir) => fillDesk(dataDir, 2_000));
    const login = await signIn(parley.url, OWNER);
    call = createCall(parley.url, login.accessToken);
    agent = await browser.tab({
      storage: {
        origin: parley.url,
        values: { 'parley.refresh': (await signIn(parley.url, OWNER)).refreshToken },
      },
    });
    agent.page.on('request', (request) => {
      const { pathname, search } = new URL(request.url());
      if (pathname.startsWith('/api/')) asked.push(`${request.method()} ${pathname}${search}`);
    });
    await agent.page.goto(`${parley.url}/inbox/unassigned`);
    await see(rows());
  });
  after(async () => {
    await browser?.close();
    await parley?.stop();
  });

  const step = (name: string, work: () => Promise<void>): void => {
    it(name, () => browser.watched(`desk-${name.replaceAll(/\W+/g, '-').slice(0, 30)}`, work));
  };
  const rows = () => agent.page.getByRole('region', { name: 'Conversations' }).getByRole('link');
  const open = () => agent.page.locator('[data-row][aria-current="true"]');
  const lists = () => asked.filter((path) => path.startsWith('GET /api/v1/conversations?'));
  const focusedId = () =>
    agent.page.evaluate(() => document.activeElement?.closest<HTMLElement>('[data-id]')?.dataset['id'] ?? '');
  const focusIsHome = () => agent.page.evaluate(() => document.activeElement !== document.body);
  const openId = () => new URL(agent.page.url()).pathname.split('/')[3] ?? '';
  const waiting = async (): Promise<Conversation[]> =>
    call('GET', '/conversations?status=waiting,agent&assigneeId=none&limit=20');

  step('a cold start asks for each thing once', async () => {
    await until(async () => agent.page.evaluate(() => performance.now() > 3000), 'the start is over');
    const twice = asked.filter((path, index) => asked.indexOf(path) !== index);
    assert.deepEqual(twice, []);
    assert.ok(asked.length <= 12, asked.join('\n'));
  });

  step('the numbers beside the views are the server’s', async () => {
    const counts = await call<ConversationCounts>('GET', '/conversations/counts');
    const views = agent.page.getByRole('navigation', { name: 'Views' });
    for (const [name, number] of [
      ['Open', counts.open],
      ['Mine', counts.mine],
      ['Unassigned', counts.unassigned],
      ['Waiting', counts.waiting],
    ] as const)
      await see(views.getByRole('link', { name: `${name} ${number}` }));
  });

  step('few rows are in the page, however far somebody scrolls, and each once', async () => {
    const { page } = agent;
    await page.keyboard.press('j');
    const names = new Set<string>();
    for (let pressed = 0; pressed < 120; pressed += 1) {
      names.add(await focusedId());
      await page.keyboard.press('j');
    }
    assert.equal(names.size, 120, 'every key is one row further');
    assert.ok((await rows().count()) < 60);
    for (let pressed = 0; pressed < 125; pressed += 1) await page.keyboard.press('k');
    assert.equal(await focusedId(), (await waiting())[0]?.id);
  });

  step('e resolves and opens the next, the focus goes with it, and j goes on from there', async () => {
    const { page } = agent;
    const [first, second, third] = await waiting();
    await page.keyboard.press('Enter');
    await see(page.getByRole('heading', { name: first?.contact.name ?? '' }));
    assert.equal(openId(), first?.id);
    asked = [];
    await page.keyboard.press('e');
    await until(async () => openId() === second?.id, 'the next one is open');
    await until(async () => (await focusedId()) === second?.id, 'its row has the focus');
    await gone(page.locator(`[data-id="${first?.id}"]`));
    await page.keyboard.press('j');
    assert.equal(await focusedId(), third?.id);
    await see(page.getByRole('button', { name: 'Undo' }));
    await page.keyboard.press('z');
    await until(async () => openId() === first?.id, 'what was resolved is open again');
    await until(
      async () => (await call<Conversation>('GET', `/conversations/${first?.id}`)).status === first?.status,
      'for the server, too, it is as it was',
    );
    assert.deepEqual(
      lists().filter((path) => !path.includes('contactId')),
      [],
      'the list is patched, not read again',
    );
  });

  step('a reply, a label and Esc leave the focus where the keyboard goes on', async () => {
    const { page } = agent;
    const id = openId();
    const desk = agentOn(page);
    await see(page.getByRole('button', { name: /^Resolve/ }));
    await page.keyboard.press('t');
    await see(desk.input);
    if (!(await desk.input.evaluate((input) => input === document.activeElement))) await page.keyboard.press('r');
    await until(() => desk.input.evaluate((input) => input === document.activeElement), 'the reply has the focus');
    await page.keyboard.type('It left today.');
    await page.keyboard.press('Enter');
    await see(desk.messages.getByText('It left today.'));
    await page.keyboard.press('Escape');
    await until(focusIsHome, 'the focus is home after Esc in the reply');
    await page.keyboard.press('l');
    await page.keyboard.type('urgent');
    await page.keyboard.press('Enter');
    await until(
      async () => (await call<Conversation>('GET', `/conversations/${id}`)).labels.includes('urgent'),
      'labelled',
    );
    await see(page.locator(`[data-id="${id}"]`).getByText('urgent'));
    await until(focusIsHome, 'the focus is home after the label');
    // It is a person's now and no longer one of this list: it stays until it is left.
    await see(open());
    await page.keyboard.press('Escape');
    await until(async () => openId() === '', 'it is closed');
    await gone(page.locator(`[data-id="${id}"]`));
    await until(focusIsHome, 'the focus is home after Esc');
  });

  step('what happens elsewhere comes into the list by itself, in its place, without reading it again', async () => {
    const { page } = agent;
    await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Waiting' }).click();
    await see(rows());
    asked = [];
    const last = (await call<Conversation[]>('GET', '/conversations?status=waiting&limit=20'))[7];
    await call('PUT', `/conversations/${last?.id}/labels`, { labels: ['seen-elsewhere'] });
    await see(page.locator(`[data-id="${last?.id}"]`).getByText('seen-elsewhere'));
    await call('POST', `/conversations/${last?.id}/take-over`);
    await gone(page.locator(`[data-id="${last?.id}"]`));
    assert.deepEqual(lists(), []);
  });

  step('a new handoff is one quiet line and a number in the title', async () => {
    const { page } = agent;
    await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Open' }).click();
    const visitor = await browser.tab();
    await visitor.page.goto(chatUrl);
    const chat = widgetOn(visitor.page);
    await see(chat.input);
    await chat.say('I want to talk to a human');
    await see(page.getByText('1 new handoff'), 30_000);
    await until(async () => (await page.title()).startsWith('(1) '), 'the title counts it');
    const notices = page.getByRole('region', { name: 'Notices' }).getByRole('status');
    assert.equal(await notices.filter({ hasText: /handoff|waiting|person/i }).count(), 0);
    await see(rows().filter({ hasText: 'I want to talk to a human' }));
    await page.getByRole('link', { name: '1 new handoff' }).click();
    await gone(page.getByText('1 new handoff'));
    await until(async () => !(await page.title()).startsWith('('), 'seen');

    // Typing ends with the message, on the customer's side, too.
    await rows().first().click();
    await see(page.getByRole('heading', { name: 'Visitor' }));
    await page.keyboard.press('t');
    const desk = agentOn(page);
    await see(desk.input);
    await desk.input.pressSequentially('Hello');
    await see(chat.typing);
    await desk.input.press('Enter');
    await see(chat.said('Hello'));
    await gone(chat.typing);
    await chat.input.pressSequentially('My parcel');
    await see(page.getByText(/is writing/));
    await chat.input.press('Enter');
    await see(desk.messages.getByText('My parcel'));
    await gone(page.getByText(/is writing/));
    await visitor.context.close();
  });

  step('a link to a conversation selects its row and scrolls to it, wherever it is', async () => {
    const { page } = agent;
    let cursor: string | null = null;
    for (let turn = 0; turn < 12; turn += 1) {
      const answer = await fetch(`${parley.url}/api/v1/conversations?limit=100${cursor ? `&cursor=${cursor}` : ''}`, {
        headers: { authorization: `Bearer ${(await signIn(parley.url, OWNER)).accessToken}` },
      });
      const body = (await answer.json()) as { data: Conversation[]; meta: { nextCursor: string | null } };
      cursor = body.meta.nextCursor;
      if (turn < 11) continue;
      const target = body.data[50];
      asked = [];
      await page.goto(`${parley.url}/conversations/${target?.id}`);
      await see(open());
      assert.equal(await open().getAttribute('data-id'), target?.id);
      await see(page.getByRole('heading', { name: target?.contact.name ?? '' }));
      const inSight = () =>
        open().evaluate((row) => {
          const { top, bottom } = row.getBoundingClientRect();
          return top > 0 && bottom < innerHeight;
        });
      await until(async () => lists().length > 2, 'more is read above it');
      await until(inSight, 'its row is in sight, whatever came above it');
      assert.ok(lists().length <= 5, lists().join('\n'));
      // The list goes on above it, too.
      await page.keyboard.press('k');
      await page.keyboard.press('k');
      assert.equal(await focusedId(), body.data[48]?.id);
    }
  });

  step('looks as it should', async () => {
    const { page } = agent;
    const gallery = createGallery();
    const problems: string[] = [];
    await page.goto(`${parley.url}/inbox/open`);
    await see(rows());
    problems.push(...(await gallery.inspect(page, 'desk-list', [1440, 360])));
    await rows().nth(2).click();
    await see(agentOn(page).messages);
    problems.push(...(await gallery.inspect(page, 'desk-open', [1440, 360])));
    assert.deepEqual(problems, []);
    assert.deepEqual(agent.problems, []);
  });
});
