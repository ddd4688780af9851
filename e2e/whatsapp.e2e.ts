import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Inbox } from '@parley/contract';
import { startWhatsappDouble, whatsappEvent } from '../server/src/test/doubles/whatsapp.ts';
import type { WhatsappDouble } from '../server/src/test/doubles/whatsapp.ts';
import { startBrowser, type Tab, type TestBrowser } from './lib/browser.ts';
import { agentOn, fillForm } from './lib/desk.ts';
import { createCall, OWNER, setUpOwner, signIn, startParley, type Call, type Parley } from './lib/parley.ts';
import { gone, see, until } from './lib/see.ts';

const PHONE = '4915112345678';
const OTHER = '358401234567';
const secondsAgo = (seconds: number): string => String(Math.floor(Date.now() / 1_000) - seconds);
/** The smallest picture there is. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** WhatsApp from a fresh start, at the wire a double that refuses what the platform refuses. */
describe('WhatsApp, from connecting to a late failure', () => {
  let whatsapp: WhatsappDouble;
  let parley: Parley;
  let browser: TestBrowser;
  let owner: Tab;
  let call: Call;
  let address = '';

  before(async () => {
    whatsapp = await startWhatsappDouble();
    whatsapp.templates.push({
      name: 'order_update',
      language: 'en',
      status: 'APPROVED',
      category: 'UTILITY',
      components: [{ type: 'BODY', text: 'Hello {{1}}, there is news of your order {{2}}.' }],
    });
    const env = { PARLEY_DEMO: '0', CHANNEL_META_API_URL: whatsapp.url };
    [parley, browser] = await Promise.all([startParley(env), startBrowser()]);
    await setUpOwner(parley);
    const { accessToken, refreshToken } = await signIn(parley.url, OWNER);
    call = createCall(parley.url, accessToken);
    owner = await browser.tab({ storage: { origin: parley.url, values: { 'parley.refresh': refreshToken } } });
  });
  after(async () => {
    await browser?.close();
    await parley?.stop();
    await whatsapp?.close();
  });

  const step = (name: string, work: () => Promise<void>): void => {
    it(name, () => browser.watched(name.replaceAll(/\W+/g, '-').slice(0, 40), work));
  };
  const deliver = async (of: Parameters<typeof whatsappEvent>[1]): Promise<void> =>
    assert.equal(await whatsapp.deliver(address, whatsappEvent({ phone: PHONE, name: 'Ina Berg' }, of)), 200);
  const sentTexts = () => whatsapp.sent.map(({ body }) => (body['text'] as { body: string } | undefined)?.body);
  const idOfText = async (text: string): Promise<string> => {
    await until(async () => sentTexts().includes(text), `“${text}” reached WhatsApp`);
    return whatsapp.sent[sentTexts().indexOf(text)]?.id ?? '';
  };
  const openThread = async (): Promise<void> => {
    await owner.page.getByRole('link', { name: 'Inbox', exact: true }).click();
    await owner.page
      .getByRole('link', { name: /Ina Berg/ })
      .first()
      .click();
    await see(agentOn(owner.page).messages);
  };

  step('is connected in the dashboard: a wrong token is refused in words, the webhook is shown to paste', async () => {
    const { page } = owner;
    await page.goto(parley.url);
    await page.getByRole('link', { name: 'Studio' }).click();
    await page
      .getByRole('link', { name: /^Inboxes/ })
      .first()
      .click();
    await page.getByRole('link', { name: /business number/ }).click();
    await fillForm(page, {
      'Phone number ID': whatsapp.phoneNumberId,
      'Access token': 'not-the-token',
      'App secret': whatsapp.appSecret,
    });
    await page.getByLabel(/Business account ID/).fill(whatsapp.businessAccountId);
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByLabel('Name of the inbox').fill('Orders');
    await page.getByRole('button', { name: 'Connect WhatsApp' }).click();
    // Back at the field that was refused, with everything else kept.
    await see(page.getByText('is not accepted by WhatsApp'));
    assert.deepEqual(await call<Inbox[]>('GET', '/inboxes'), []);

    await page.getByLabel('Access token', { exact: true }).fill(whatsapp.accessToken);
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('button', { name: 'Connect WhatsApp' }).click();
    await see(page.getByText('Connected as Parley Test'));
    await see(page.getByText('Waiting for the first message. Write to the number.'));
    assert.equal(whatsapp.state.subscribed, true);

    const shown = await page.getByLabel('Webhook address').textContent();
    address = shown?.trim() ?? '';
    // Meta shakes hands with the address and the token that a person copies from here.
    const verifyToken = (await page.getByLabel('Verify token').textContent())?.trim() ?? '';
    const query = new URLSearchParams({
      'hub.mode': 'subscribe',
      'hub.verify_token': verifyToken,
      'hub.challenge': '4711',
    });
    const hands = await fetch(`${address}?${query}`);
    assert.deepEqual([hands.status, await hands.text()], [200, '4711']);
  });

  step('a batch with an unknown status in it: what can be read arrives', async () => {
    whatsapp.open.add(PHONE);
    await deliver({
      messages: [
        { id: 'wamid.IN1', timestamp: secondsAgo(2), type: 'text', text: { body: 'Where is my order 20413?' } },
        { id: 'wamid.IN2', timestamp: secondsAgo(1), type: 'something_new', something_new: {} },
      ],
      statuses: [
        { id: 'wamid.NEVER-OURS', status: 'melted', timestamp: secondsAgo(1) },
        { id: 'wamid.NEVER-OURS', status: 'delivered', timestamp: secondsAgo(1) },
      ],
    });
    await see(owner.page.getByText('The first message arrived'));
    await openThread();
    await see(agentOn(owner.page).messages.getByText('Where is my order 20413?'));
  });

  step('a picture comes in and one goes out', async () => {
    const { page } = owner;
    whatsapp.addFile('media-in', PIXEL, 'image/png');
    await deliver({
      messages: [
        {
          id: 'wamid.IN3',
          timestamp: secondsAgo(0),
          type: 'image',
          image: { id: 'media-in', mime_type: 'image/png', caption: 'The broken pole' },
        },
      ],
    });
    const desk = agentOn(page);
    await see(desk.messages.getByText('The broken pole'));
    const downloading = page.waitForEvent('download');
    await desk.messages
      .getByRole('button', { name: /Download/ })
      .first()
      .click();
    const file = await (await downloading).path();
    assert.deepEqual(readFileSync(file), PIXEL);

    await page
      .getByRole('button', { name: /^(Pick up|Take over)/ })
      .first()
      .click();
    await see(desk.input);
    const choosing = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Attach files' }).click();
    await (await choosing).setFiles({ name: 'new-pole.png', mimeType: 'image/png', buffer: PIXEL });
    await see(page.getByText('new-pole.png'));
    await desk.send('This is the one you get');
    await until(async () => whatsapp.sent.some(({ type }) => type === 'image'), 'the picture reached WhatsApp');
    const uploaded = [...whatsapp.uploads.values()].find(({ mime }) => mime === 'image/png');
    assert.deepEqual(uploaded?.bytes, PIXEL);
  });

  step('a failure after “sent” is shown in words, and tried again', async () => {
    const { page } = owner;
    const desk = agentOn(page);
    await desk.send('It leaves today.');
    const id = await idOfText('It leaves today.');
    await deliver({ statuses: [{ id, status: 'sent', timestamp: secondsAgo(2) }] });
    await deliver({
      statuses: [
        {
          id,
          status: 'failed',
          timestamp: secondsAgo(1),
          errors: [
            {
              code: 131000,
              title: 'Something went wrong',
              error_data: { details: 'Message failed to send due to an unknown error.' },
            },
          ],
        },
      ],
    });
    await see(page.getByRole('alert').filter({ hasText: 'unknown error' }));
    const before = whatsapp.sent.length;
    await page.getByRole('button', { name: 'Try again' }).click();
    await until(async () => whatsapp.sent.length > before, 'it was sent again');
    await gone(page.getByRole('alert').filter({ hasText: 'unknown error' }));
    assert.equal(sentTexts().filter((text) => text === 'It leaves today.').length, 2);
  });

  step('when the window is closed, an approved template reaches the customer', async () => {
    const { page } = owner;
    // Meta delivers late what it could not deliver before: the customer wrote more than a day ago.
    const late = { id: 'wamid.LATE', timestamp: secondsAgo(25 * 3_600), type: 'text', text: { body: 'Any news?' } };
    const event = whatsappEvent({ phone: OTHER, name: 'Olli Salo' }, { messages: [late] });
    assert.equal(await whatsapp.deliver(address, event), 200);
    await page.getByRole('link', { name: 'Inbox', exact: true }).click();
    await page
      .getByRole('link', { name: /Olli Salo/ })
      .first()
      .click();
    await page
      .getByRole('button', { name: /^(Pick up|Take over)/ })
      .first()
      .click();
    await see(page.getByText(/too long ago for free words/));
    await page.getByRole('button', { name: 'Read templates from the platform' }).click();
    await see(page.getByText('Hello {{1}}, there is news of your order {{2}}.'));
    const send = page.getByRole('button', { name: 'Send template' });
    assert.equal(await send.isDisabled(), true, 'not before its blanks are filled in');
    await page.getByLabel('Blank 1').fill('Olli');
    await page.getByLabel('Blank 2').fill('20413');
    await send.click();
    await until(async () => whatsapp.sent.some(({ type }) => type === 'template'), 'the template reached WhatsApp');
    await see(agentOn(page).messages.getByText('Hello Olli, there is news of your order 20413.'));
  });

  step('nothing was logged as an error in the browser', async () => {
    assert.deepEqual(owner.problems, []);
  });
});
