import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ChannelTemplate, Inbox, Message } from '@parley/contract';
import { startTestApp, until } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';
import { startWhatsappDouble, whatsappEvent, type WhatsappDouble } from '../../test/doubles/whatsapp.ts';
import { makeBot } from '../../test/talk.ts';
import { openWhatsapp, secondsAgo } from '../../test/whatsapp-chat.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const DAY_SECONDS = 24 * 3600;

/** What goes to WhatsApp: against a double that refuses what WhatsApp refuses. */
describe('WhatsApp, going out', () => {
  let test: TestApp;
  let double: WhatsappDouble;
  let chat: Awaited<ReturnType<typeof openWhatsapp>>;

  before(async () => {
    double = await startWhatsappDouble();
    test = await startTestApp({ CHANNEL_META_API_URL: double.url });
    chat = await openWhatsapp(test, double, null);
  });
  after(async () => {
    await test?.close();
    await double?.close();
  });
  const reply = (name: string, body: Record<string, unknown>) => chat.reply(name, body);
  const inStatus = (id: string, status: Message['status']) => chat.inStatus(id, status);
  const sentTo = (phone: string) => double.sent.filter(({ to }) => to === phone);
  /** what reached the customer with these words, oldest first */
  const withWords = (phone: string, words: string) =>
    sentTo(phone).filter(({ body }) => (body['text'] as { body: string } | undefined)?.body === words);

  it('a picture both ways', async () => {
    const phone = '4915100000003';
    double.addFile('pic-1', PNG, 'image/png');
    await chat.say(phone, '', {
      type: 'image',
      text: undefined,
      image: { id: 'pic-1', mime_type: 'image/png', caption: 'broken' },
    });
    const got = await until(async () => {
      const message = (await chat.messages(phone))[0];
      return message?.attachments[0] && message;
    }, 'the picture is here');
    assert.equal(got.text, 'broken');
    assert.equal(got.attachments[0]?.size, PNG.length);
    assert.equal(double.state.downloads, 1);
    const form = new FormData();
    form.set('file', new Blob([PNG], { type: 'image/png' }), 'dot.png');
    const file = await test.owner<{ id: string }>('POST', '/files', form);
    const answer = await reply(phone, { text: 'Like this?', attachmentIds: [file.data.id] });
    await inStatus(answer.data.id, 'sent');
    const picture = sentTo(phone).find(({ type }) => type === 'image');
    const upload = double.uploads.get(String((picture?.body['image'] as { id: string } | undefined)?.id));
    assert.deepEqual(upload?.bytes, PNG);
  });

  it('a failure after it was sent is told in words, and a retry sends it again', async () => {
    const phone = '4915100000004';
    await chat.say(phone, 'hello');
    const made = await reply(phone, { text: 'Your invoice' });
    await inStatus(made.data.id, 'sent');
    const first = withWords(phone, 'Your invoice')[0]?.id ?? '';
    const words = 'Message failed to send because there was an issue.';
    await chat.receipt(phone, first, 'failed', {
      errors: [{ code: 131000, title: 'Something went wrong', error_data: { details: words } }],
    });
    const failed = await inStatus(made.data.id, 'failed');
    assert.deepEqual(failed.failure, { code: '131000', message: words, retryable: true });
    // Nothing follows a failure but a retry.
    await chat.receipt(phone, first, 'delivered');
    const again = await test.owner<Message>('POST', `/messages/${made.data.id}/retry`);
    assert.equal(again.status, 200, JSON.stringify(again.error));
    assert.equal(again.data.status, 'pending');
    assert.equal(again.data.failure, null);
    await inStatus(made.data.id, 'sent');
    assert.equal((await test.owner('POST', `/messages/${made.data.id}/retry`)).status, 409);
    const second = withWords(phone, 'Your invoice')[1]?.id ?? '';
    assert.notEqual(second, first);
    // What comes late about the first try is of the past.
    await chat.receipt(phone, first, 'read');
    await chat.receipt(phone, second, 'delivered');
    await inStatus(made.data.id, 'delivered');
  });

  it('a receipt that is faster than the answer to the send is not lost', async () => {
    const phone = '4915100000005';
    await chat.say(phone, 'hello');
    double.state.beforeAnswer = async (id) => {
      assert.equal(await chat.receipt(phone, id, 'delivered'), 200);
      // The receipt's own round is over before the send returns.
      await chat.say(phone, 'meanwhile');
      await until(async () => (await chat.messages(phone)).some(({ text }) => text === 'meanwhile'), 'the round');
    };
    const made = await reply(phone, { text: 'quick' });
    await inStatus(made.data.id, 'delivered');
    double.state.beforeAnswer = undefined;
  });

  it('after the window only a template goes out', async () => {
    const phone = '4915100000006';
    double.templates.push(
      {
        name: 'order_news',
        language: 'en',
        status: 'APPROVED',
        category: 'UTILITY',
        components: [{ type: 'BODY', text: 'Hi {{1}}, order {{2}} is ready.' }],
      },
      {
        name: 'not_yet',
        language: 'en',
        status: 'PENDING',
        category: 'UTILITY',
        components: [{ type: 'BODY', text: 'Hi' }],
      },
      {
        name: 'third',
        language: 'de',
        status: 'APPROVED',
        category: 'MARKETING',
        components: [{ type: 'BODY', text: 'Hallo {{name}}' }],
      },
    );
    await chat.say(phone, 'long ago', { timestamp: secondsAgo(DAY_SECONDS + 60) });
    double.open.delete(phone);
    const found = await until(() => chat.conversation(phone), 'a conversation');
    assert.equal(found.window?.open, false);
    assert.equal((await reply(phone, { text: 'words' })).error?.code, 'window_closed');
    const synced = await test.owner<ChannelTemplate[]>('POST', `/inboxes/${chat.inbox.id}/templates/sync`);
    assert.deepEqual(
      synced.data.map(({ name }) => name),
      ['order_news', 'not_yet', 'third'],
    );
    assert.deepEqual(synced.data[0]?.variables, ['1', '2']);
    assert.deepEqual(
      (await test.owner<ChannelTemplate[]>('GET', `/inboxes/${chat.inbox.id}/templates`)).data,
      synced.data,
    );
    assert.equal((await reply(phone, { template: { name: 'not_yet', language: 'en' } })).status, 409);
    assert.equal((await reply(phone, { template: { name: 'nowhere', language: 'en' } })).status, 404);
    for (const [variables, fields] of [
      [{}, ['1', '2']],
      [{ '1': 'Ina', '2': ' ' }, ['2']],
      [{ '1': 'Ina', '2': '4471', '3': 'more' }, ['3']],
    ] as const) {
      const refused = await reply(phone, { template: { name: 'order_news', language: 'en', variables } });
      assert.equal(refused.status, 400);
      assert.deepEqual(
        refused.error?.details?.map(({ field }) => field),
        fields.map((name) => `template.variables.${name}`),
      );
    }
    assert.equal((await chat.messages(phone)).filter(({ author }) => author.type === 'agent').length, 0);
    const made = await reply(phone, {
      template: { name: 'order_news', language: 'en', variables: { '1': 'Ina', '2': '4471' } },
    });
    assert.equal(made.data.text, 'Hi Ina, order 4471 is ready.');
    await inStatus(made.data.id, 'sent');
    assert.equal(sentTo(phone).at(-1)?.type, 'template');
  });

  it('a bot that comes too late says so, and nothing goes out', async () => {
    const bot = await makeBot(test, { name: 'Robin', greeting: 'Welcome!' });
    await test.owner('PATCH', `/inboxes/${chat.inbox.id}`, { botId: bot.id });
    const phone = '4915100000007';
    await chat.say(phone, 'an old question', { timestamp: secondsAgo(DAY_SECONDS + 60) });
    const failed = await until(
      async () => (await chat.messages(phone)).find(({ status }) => status === 'failed'),
      'it failed',
    );
    assert.equal(failed.author.type, 'bot');
    assert.equal(failed.failure?.code, 'window_closed');
    assert.equal(sentTo(phone).length, 0);
    await test.owner('PATCH', `/inboxes/${chat.inbox.id}`, { botId: null });
  });

  it('what a colleague writes on the phone is an agent’s, and silences the bot', async () => {
    const phone = '4915100000008';
    await chat.say(phone, 'hello');
    await until(() => chat.conversation(phone), 'a conversation');
    const echo = { id: 'wamid.E1', timestamp: secondsAgo(0), type: 'text', text: { body: 'I am on it' } };
    assert.equal(await chat.deliver(whatsappEvent({ phone, name: phone }, { echoes: [echo] })), 200);
    const said = await until(
      async () => (await chat.messages(phone)).find(({ text }) => text === 'I am on it'),
      'the echo',
    );
    assert.deepEqual([said.author.type, said.author.id], ['agent', null]);
    const found = await chat.conversation(phone);
    assert.deepEqual([found?.status, found?.assignee], ['agent', null]);
    assert.equal(
      sentTo(phone).filter(({ body }) => JSON.stringify(body).includes('on it')).length,
      0,
      'it is not sent again',
    );
  });

  it('waits where WhatsApp asks for it, and fails in its words where it does not help', async () => {
    const phone = '4915100000009';
    await chat.say(phone, 'hello');
    double.fail(
      { status: 429, code: 130429, message: 'Rate limit hit', retryAfter: 1 },
      { code: 131056, message: 'Pair rate limit hit', retryAfter: 1 },
    );
    const late = await reply(phone, { text: 'patience' });
    await inStatus(late.data.id, 'sent');
    double.fail({ code: 131047, message: 'Re-engagement message', details: 'More than 24 hours have passed.' });
    const closed = await inStatus((await reply(phone, { text: 'closed' })).data.id, 'failed');
    assert.equal(closed.failure?.code, 'window_closed');
    assert.match(closed.failure.message, /More than 24 hours have passed/);
    double.unknown.add(phone);
    const gone = await inStatus((await reply(phone, { text: 'gone' })).data.id, 'failed');
    assert.deepEqual([gone.failure?.code, gone.failure?.retryable], ['131026', false]);
  });

  it('a token that was taken away: the inbox says that it needs somebody, until it has another', async () => {
    const phone = '4915100000011';
    await chat.say(phone, 'hello');
    double.state.revoked = true;
    const failed = await inStatus((await reply(phone, { text: 'anybody?' })).data.id, 'failed');
    assert.match(failed.failure?.message ?? '', /session has been invalidated/);
    const inbox = async () => (await test.owner<Inbox>('GET', `/inboxes/${chat.inbox.id}`)).data;
    assert.equal((await inbox()).status, 'disconnected');
    double.state.revoked = false;
    await test.owner('POST', `/inboxes/${chat.inbox.id}/check`);
    assert.equal((await inbox()).status, 'connected');
    assert.equal((await test.owner('POST', `/messages/${failed.id}/retry`)).status, 200);
    await inStatus(failed.id, 'sent');
  });
});
