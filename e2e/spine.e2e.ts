import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { agentOn, fillForm } from './lib/desk.ts';
import { startBrowser, type Tab, type TestBrowser } from './lib/browser.ts';
import { OWNER, startParley, type Parley } from './lib/parley.ts';
import { gone, see, seeTimes, until } from './lib/see.ts';
import { startHostPage, widgetOn } from './lib/widget.ts';

const files = [
  {
    name: 'returns.md',
    mimeType: 'text/markdown',
    buffer: Buffer.from(
      '# Returns\n\n## How long you have\n\nYou can return any unused item within 30 days of delivery.\n\n## Refunds\n\nA refund takes five working days after the parcel has reached our warehouse in Tampere.\n\n## Tents\n\nA tent that was pitched outdoors counts as used, except when it has a fault.\n',
    ),
  },
  {
    name: 'warranty.html',
    mimeType: 'text/html',
    buffer: Buffer.from(
      '<!doctype html><html><head><title>Warranty</title></head><body><h1>Warranty</h1><p>Every stove carries a warranty of ten years against faults of material.</p><p>To claim it, send us a photo of the serial number under the burner.</p></body></html>',
    ),
  },
  {
    name: 'opening-hours.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from(
      'The shop in Tampere is open from Monday to Friday between 9 and 17, and on Saturdays until 15.\n',
    ),
  },
];

/** From a fresh start to a human reply, each step through the screen a person would use. */
describe('from a fresh start to a human reply', () => {
  let parley: Parley;
  let browser: TestBrowser;
  let owner: Tab;
  let snippet = '';
  let chatUrl = '';

  before(async () => {
    [parley, browser] = await Promise.all([startParley({ PARLEY_DEMO: '0' }), startBrowser()]);
    owner = await browser.tab();
  });
  after(async () => {
    await browser?.close();
    await parley?.stop();
  });

  const step = (name: string, work: () => Promise<void>): void => {
    it(name, () => browser.watched(name.replaceAll(/\W+/g, '-').slice(0, 40), work));
  };

  step('the printed link sets up the first owner, once', async () => {
    const { page } = owner;
    await page.goto(parley.url);
    await see(page.getByText('Nobody owns this Parley yet'));
    await page.goto(parley.setupLink());
    await fillForm(page, {
      'Your name': OWNER.name,
      'E-mail': OWNER.email,
      Password: 'short',
      'Workspace name': 'Acme Outdoor',
    });
    await page.getByRole('button', { name: 'Set up Parley' }).click();
    await see(page.getByText(/10 characters|at least 10/i));
    await page.getByLabel('Password').fill(OWNER.password);
    await page.getByRole('button', { name: 'Set up Parley' }).click();
    await see(page.getByText('No conversations yet'));

    const second = await browser.tab();
    await second.page.goto(parley.setupLink());
    await see(second.page.getByText('This Parley is set up already'));
    assert.equal(await second.page.getByLabel('Password').count(), 0);
    await second.context.close();
  });

  step('a knowledge base is read while one watches, and is searched', async () => {
    const { page } = owner;
    await page.getByRole('link', { name: 'Studio' }).click();
    await page
      .getByRole('link', { name: /^Knowledge/ })
      .first()
      .click();
    await page.getByRole('button', { name: 'New knowledge base' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Help centre');
    await dialog.getByRole('button', { name: 'New knowledge base' }).click();
    await see(page.getByRole('heading', { name: 'Help centre' }));

    await page.getByRole('button', { name: 'Add', exact: true }).click();
    const choosing = page.waitForEvent('filechooser');
    await page.getByRole('menuitem', { name: /Upload files/ }).click();
    await (await choosing).setFiles(files);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('menuitem', { name: /Question and answer/ }).click();
    await fillForm(page, {
      Question: 'Do you ship to Norway?',
      Answer: 'Yes. Parcels to Norway take six to eight days, and customs are included in the price.',
    });
    await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
    await gone(page.getByRole('dialog'));
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('menuitem', { name: /Snippet/ }).click();
    await fillForm(page, {
      Title: 'Gift cards',
      Text: 'Gift cards are valid for three years from the day of purchase.',
    });
    await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
    await gone(page.getByRole('dialog'));
    // Nobody reloads here: the rows change by themselves.
    await seeTimes(page.getByText(/^Ready, \d+ passages?$/), 5, 40_000);

    await page
      .getByRole('link', { name: /Returns|returns\.md/ })
      .first()
      .click();
    await see(page.getByText('Passages that search finds'));
    await see(page.getByText(/A refund takes five working days/).first());
    await page.goBack();

    await page.getByRole('tab', { name: 'Try a search' }).click();
    await page.getByRole('searchbox').fill('how many days until I get my money back');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    const first = page.getByRole('main').getByRole('listitem').first().getByRole('button');
    await first.click();
    await see(page.getByText(/A refund takes five working days/));
  });

  step('a bot is made and shows in the playground how it found its answer', async () => {
    const { page } = owner;
    await page.getByRole('link', { name: /^Bots/ }).first().click();
    await page.getByRole('button', { name: 'New bot' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Robin');
    await dialog.getByText('Help centre').click();
    await dialog.getByRole('button', { name: 'Create bot' }).click();
    await see(page.getByRole('heading', { name: 'Robin' }));

    await page.getByLabel('Ask the bot').fill('How long does a refund take?');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    const playground = page.getByRole('region', { name: 'Playground' });
    await see(playground.getByText(/five working days/), 30_000);
    await see(playground.getByText('Enough to answer'));
    await playground.getByRole('button', { name: 'How it was made' }).click();
    await see(playground.getByText('Search terms'));
    await see(playground.getByText(/\d+ passages, \d+ used/));
    await see(playground.getByText('Meaning'));
    await see(playground.getByText('Words'));
    await see(playground.getByText('Verdict'));
    await see(playground.getByText(/[\d.]+ m?s in all/));
    await see(playground.getByText(/^0\.\d\d$/));

    await page.getByLabel('Ask the bot').fill('Who won the football world cup in 1998?');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await see(playground.getByText('Not enough to answer'));
  });

  step('a web inbox is connected and its snippet copied', async () => {
    const { page } = owner;
    await page
      .getByRole('link', { name: /^Inboxes/ })
      .first()
      .click();
    await page.getByRole('link', { name: /chat on your website/i }).click();
    await page.getByLabel('Name of the inbox').fill('Website');
    await page.getByLabel('Who answers first').selectOption({ label: 'Robin' });
    await page.getByRole('button', { name: 'Create the chat' }).click();
    await see(page.getByText('Waiting for the first message'));
    await page.getByRole('button', { name: 'Copy' }).click();
    await see(page.getByRole('button', { name: 'Copied' }));
    snippet = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(snippet, /^<script src="http:\/\/127\.0\.0\.1:\d+\/widget\.js" data-inbox="[\w-]+" async><\/script>$/);
    chatUrl = (await page.getByRole('link', { name: 'Open the hosted chat page' }).getAttribute('href')) ?? '';
    assert.match(chatUrl, /\/chat\/[\w-]+$/);
  });

  step('a visitor asks, gets an answer with its source, asks for a person, and talks to one', async () => {
    const host = await startHostPage(() => snippet);
    try {
      const visitor = await browser.tab();
      await visitor.page.goto(host.url);
      const chat = widgetOn(visitor.page);
      await chat.open();
      await see(visitor.page.getByRole('dialog', { name: 'Acme Outdoor' }));
      await chat.say('How long does a refund take?');
      await see(chat.said(/five working days/), 30_000);
      await see(owner.page.getByText('The first message arrived'));
      await see(chat.sources);
      await chat.sources.last().click();
      await see(visitor.page.getByRole('region', { name: 'Returns' }).getByText(/warehouse in Tampere/));
      await visitor.page.getByRole('button', { name: 'Back to the conversation' }).click();

      // The agent is beside it and sees the conversation live, with the bot's source.
      const { page } = owner;
      await page.getByRole('link', { name: 'Inbox', exact: true }).click();
      await page
        .getByRole('link', { name: /Website/ })
        .filter({ hasText: 'Visitor' })
        .click();
      await see(page.getByText('How long does a refund take?').last());
      const chip = page.getByRole('list', { name: 'Sources' }).getByRole('button').last();
      await chip.click();
      await see(page.getByRole('complementary').getByText(/warehouse in Tampere/));
      await page.getByRole('complementary').getByRole('button', { name: 'Close' }).click();

      await chat.person.click();
      await see(visitor.page.getByText(/You are next/));
      await page.getByRole('link', { name: /^Queue/ }).click();
      const row = page.getByRole('listitem').filter({ hasText: 'Visitor' });
      await see(row.getByText('Asked for a person'));
      await see(row.getByText('“How long does a refund take?”'));
      assert.match((await row.textContent()) ?? '', /Position\s*1/);
      await row.getByRole('button', { name: 'Pick up' }).click();

      const desk = agentOn(page);
      await see(desk.input);
      await see(visitor.page.getByText(`${OWNER.name} is with you`));
      await gone(visitor.page.getByText(/You are next/));

      await chat.input.pressSequentially('My parcel', { delay: 10 });
      await see(page.getByText('Visitor is writing'));
      await visitor.page.getByRole('button', { name: 'Send' }).click();
      await see(desk.messages.getByText('My parcel', { exact: true }));
      await desk.input.pressSequentially('I am looking', { delay: 10 });
      await see(visitor.page.getByText(`${OWNER.name} is typing`));
      await desk.send('I am looking into it, Maria.');
      await see(chat.said('I am looking into it, Maria.'));
      // The bot is silent while a person owns the conversation.
      await chat.say('Do you ship to Norway?');
      await see(desk.messages.getByText('Do you ship to Norway?'));

      await visitor.page.reload();
      await chat.open();
      await see(chat.said('I am looking into it, Maria.'));
      await seeTimes(chat.said('My parcel'), 1);
      await see(visitor.page.getByText(`${OWNER.name} is with you`));

      await page.getByRole('button', { name: 'Give back to the bot' }).click();
      await see(page.getByText('The bot is answering.'));
      await chat.say('And do you send parcels to Norway?');
      await see(chat.said(/six to eight days/), 30_000);
      await page.getByRole('button', { name: /^Resolve/ }).click();
      await see(visitor.page.getByText('This conversation is closed.'));
      assert.deepEqual([...visitor.problems, ...owner.problems], []);
      await visitor.context.close();
    } finally {
      host.close();
    }
  });

  step('a colleague joins by the link; when both pick up at once one gets it and the other is told who', async () => {
    const { page } = owner;
    await page.getByRole('link', { name: 'Studio' }).click();
    await page
      .getByRole('link', { name: /^Members/ })
      .first()
      .click();
    await page.getByRole('button', { name: 'Invite a member' }).click();
    await page.getByRole('dialog').getByLabel('E-mail').fill('bo@acme.test');
    await page.getByRole('button', { name: 'Create the link' }).click();
    const link = (await page.getByLabel('Invitation link').textContent()) ?? '';
    await page.getByRole('button', { name: 'Done' }).click();

    const colleague = await browser.tab();
    await colleague.page.goto(link.trim());
    await see(colleague.page.getByText('Join Acme Outdoor'));
    await fillForm(colleague.page, { 'Your name': 'Bo Berg', Password: 'another good password' });
    await colleague.page.getByRole('button', { name: 'Accept the invitation' }).click();
    await see(colleague.page.getByRole('link', { name: 'Queue' }));

    const visitor = await browser.tab();
    await visitor.page.goto(chatUrl);
    const chat = widgetOn(visitor.page);
    await chat.say('I want to talk to a human');
    await see(visitor.page.getByText(/You are next/), 30_000);

    const agents = [owner, colleague];
    await Promise.all(
      agents.map(async (agent) => {
        await agent.page.getByRole('link', { name: /^Queue/ }).click();
        await see(agent.page.getByRole('button', { name: 'Pick up', exact: true }));
      }),
    );
    // At the same instant: whoever is slower would see the row go before reaching its button.
    const buttons = await Promise.all(
      agents.map((agent) => agent.page.getByRole('button', { name: 'Pick up', exact: true }).elementHandle()),
    );
    await Promise.all(buttons.map((button) => button?.evaluate((element) => (element as HTMLElement).click())));
    const told = (agent: Tab) => agent.page.getByText(/(was faster and has Visitor now|is no longer waiting)/);
    const has = (agent: Tab) => agentOn(agent.page).input;
    await until(async () => {
      const [one, other] = await Promise.all(
        agents.map(async (agent) => [await has(agent).isVisible(), await told(agent).isVisible()]),
      );
      return Boolean((one?.[0] && other?.[1]) || (other?.[0] && one?.[1]));
    }, 'one has it and the other is told');
    const winner = (await has(owner).isVisible()) ? owner : colleague;
    const loser = winner === owner ? colleague : owner;
    assert.match(
      (await told(loser).first().textContent()) ?? '',
      winner === owner ? /Olivia Owner was faster/ : /Bo Berg was faster/,
    );
    await see(visitor.page.getByText(`${winner === owner ? OWNER.name : 'Bo Berg'} is with you`));
    await agentOn(winner.page).send('Hello, how can I help?');
    await see(chat.said('Hello, how can I help?'));
    await visitor.context.close();
    await colleague.context.close();
  });

  step('a crash in the middle of a conversation: both reconnect, nothing is lost or doubled', async () => {
    const { page } = owner;
    const visitor = await browser.tab();
    await visitor.page.goto(chatUrl);
    const chat = widgetOn(visitor.page);
    await chat.say('Can a person help me with my stove?');
    await see(chat.sources.or(visitor.page.getByText(/You are next|could not find an answer/)), 30_000);
    if (await chat.person.isVisible()) await chat.person.click();
    await see(visitor.page.getByText(/You are next/));
    await page.getByRole('link', { name: /^Queue/ }).click();
    await page.getByRole('button', { name: 'Pick up', exact: true }).click();
    const desk = agentOn(page);
    await desk.send('Before the break');
    await see(chat.said('Before the break'));

    const restarted = parley.restart('kill');
    await see(visitor.page.getByText(/Reconnecting/));
    await chat.say('Written while nobody was there');
    await restarted;
    await see(desk.messages.getByText('Written while nobody was there'), 40_000);
    await gone(visitor.page.getByText(/Reconnecting/));
    await desk.send('After the break');
    await see(chat.said('After the break'));
    for (const text of ['Before the break', 'Written while nobody was there', 'After the break']) {
      await seeTimes(chat.said(text), 1);
      await seeTimes(desk.messages.getByText(text, { exact: true }), 1);
    }
    await visitor.page.reload();
    await see(chat.said('After the break'));
    await seeTimes(chat.said('Written while nobody was there'), 1);
    assert.deepEqual(visitor.problems, []);
  });
});
