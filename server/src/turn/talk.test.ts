import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Bot, Conversation, Handoff, Inbox, KnowledgeBase, Message } from '@parley/contract';
import { startTestApp, until } from '../test/app.ts';
import type { TestApp } from '../test/app.ts';
import { startTelegramDouble } from '../test/doubles/telegram.ts';
import type { TelegramDouble } from '../test/doubles/telegram.ts';
import { stays } from '../test/stays.ts';
import { history, learn, makeBot, openTelegram, SECRET, visit } from '../test/talk.ts';
import type { Chat } from '../test/talk.ts';

const KNOWN = 'How long does a refund take?';
const UNKNOWN = ['Which submarine do you sell in Antarctica?', 'Who painted the ceiling of your office?'] as const;

/** What the bot does where it has no answer, where nothing is asked, and where a person is waited for. */
describe('a bot that talks', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let base: KnowledgeBase;
  let bot: Bot;
  let chat: Chat;

  before(async () => {
    telegram = await startTelegramDouble();
    test = await startTestApp({ CHANNEL_TELEGRAM_API_URL: telegram.url });
    base = (await test.owner<KnowledgeBase>('POST', '/knowledge-bases', { name: 'Help' })).data;
    await learn(test, base.id, KNOWN, 'A refund takes five working days after we have received the parcel.');
    bot = await makeBot(test, { name: 'Robin', knowledgeBaseIds: [base.id] });
    chat = await openTelegram(test, telegram, bot.id);
  });
  after(async () => {
    await test?.close();
    await telegram?.close();
  });

  /** Says something, and waits for what the bot says to it. */
  async function ask(n: number, text: string, more: Record<string, unknown> = {}): Promise<Message> {
    const before = chat.heard(n).length;
    await chat.say(n, text, more);
    await until(async () => chat.heard(n).length > before, `the bot says something to "${text}"`);
    const said = await chat.messages(n);
    return said.findLast(({ author }) => author.type === 'bot') ?? assert.fail('the bot said nothing');
  }
  const statusOf = async (n: number) => (await chat.conversation(n))?.status;
  const change = (patch: Partial<Bot>) => test.owner<Bot>('PATCH', `/bots/${bot.id}`, patch);
  const keyboard = (n: number) =>
    telegram.calls.findLast(({ params }) => String(params['chat_id']) === String(n) && params['reply_markup'])?.params[
      'reply_markup'
    ];

  it('does not know once: it says so and offers a person; the second time in a row it hands over', async () => {
    const missed = await ask(1, UNKNOWN[0]);
    assert.match(missed.text, /could not find/);
    const labels = ['Ask differently', 'Talk to a person'];
    assert.deepEqual(
      missed.choices.map(({ text }) => text),
      labels,
    );
    assert.deepEqual(keyboard(1), {
      inline_keyboard: [
        [{ text: labels[0], callback_data: 'ask_differently' }],
        [{ text: labels[1], callback_data: 'request_agent' }],
      ],
    });
    // An answer in between begins the count anew; thanks do not.
    assert.match((await ask(1, KNOWN)).text, /five working days/);
    await ask(1, UNKNOWN[1]);
    await ask(1, 'ok, thanks');
    assert.equal(await statusOf(1), 'bot');
    await chat.say(1, UNKNOWN[0]);
    await chat.inStatus(1, 'waiting');
    const queue = await test.owner<Handoff[]>('GET', '/handoffs');
    const handoff = queue.data.find(({ contact }) => contact.name === 'Chat 1');
    assert.equal(handoff?.reason, 'BOT_NOT_ENOUGH_DATA');
    assert.match(handoff.question ?? '', /submarine/);
  });

  it('hands over at the first question or never, as its owner wants', async () => {
    await change({ missesBeforeHandoff: 0 });
    await chat.say(2, UNKNOWN[0]);
    await chat.inStatus(2, 'waiting');
    await change({ missesBeforeHandoff: null });
    for (const text of [...UNKNOWN, ...UNKNOWN]) await ask(3, text);
    assert.equal(await statusOf(3), 'bot');
    await change({ missesBeforeHandoff: 2 });
  });

  it('a tap on "talk to a person" hands over, and the button stops turning', async () => {
    await ask(4, UNKNOWN[0]);
    const update = {
      update_id: chat.nextUpdate(),
      callback_query: {
        id: '77',
        from: { id: 4, is_bot: false, first_name: 'Chat 4' },
        message: {
          ...{ message_id: 1001, date: 1_780_000_000, chat: { id: 4, type: 'private' } },
          reply_markup: keyboard(4),
        },
        data: 'request_agent',
      },
    };
    const answer = await fetch(`${test.url}/webhooks/telegram/${chat.inbox.token}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': SECRET },
      body: JSON.stringify(update),
    });
    assert.deepEqual(await answer.json(), { method: 'answerCallbackQuery', callback_query_id: '77' });
    const { id } = await chat.inStatus(4, 'waiting');
    const said = await history(test, id);
    assert.equal(said.findLast(({ author }) => author.type === 'contact')?.text, 'Talk to a person');
    const queue = await test.owner<Handoff[]>('GET', '/handoffs');
    const handoff = queue.data.find(({ conversationId }) => conversationId === id);
    assert.equal(handoff?.reason, 'CUSTOMER_REQUEST');
    assert.equal(handoff.question, UNKNOWN[0]);
  });

  it('the number or the words of a choice mean the same as a tap', async () => {
    await ask(5, UNKNOWN[0]);
    assert.match((await ask(5, '1.')).text, /in other words/);
    await ask(5, UNKNOWN[0].replace('submarine', 'airship'));
    await chat.inStatus(5, 'waiting');
    await ask(6, UNKNOWN[0]);
    await chat.say(6, 'talk to a person');
    await chat.inStatus(6, 'waiting');
  });

  it('a picture, a voice message, a place: it says what it can do with it; a sticker is small talk', async () => {
    const file = { file_id: 'f1', file_unique_id: 'u1', file_size: 10 };
    const sent: [Record<string, unknown>, RegExp, boolean][] = [
      [{ photo: [{ ...file, width: 10, height: 10 }] }, /pictures/, true],
      [{ voice: { ...file, duration: 3 } }, /voice/, true],
      [{ document: { ...file, file_name: 'refund policy.pdf' }, caption: 'refund policy.pdf' }, /files/, true],
      [{ location: { latitude: 60.2, longitude: 24.9 } }, /location/, true],
      [{ sticker: { ...file, width: 10, height: 10, type: 'regular', emoji: '🙂' } }, /welcome/, false],
    ];
    for (const [content, words, offers] of sent) {
      const answer = await ask(7, '', { text: undefined, ...content });
      assert.match(answer.text, words);
      assert.equal(answer.choices.length > 0, offers, answer.text);
    }
    assert.equal(await statusOf(7), 'bot');
  });

  it('small talk is answered in kind and in its language, and a question beside it is answered', async () => {
    assert.match((await ask(8, 'hi there, how are you')).text, /Hello/);
    assert.match((await ask(8, 'Vielen Dank, das hat geholfen')).text, /Gern geschehen/);
    assert.match((await ask(8, '🙏🙏')).text, /Gern geschehen/);
    assert.match((await ask(8, 'kiitos, hei hei')).text, /Näkemiin/);
    assert.match((await ask(8, 'thanks! and how long does a refund take?')).text, /five working days/);
    assert.match((await ask(8, '???')).text, /in a sentence/);
    assert.equal(await statusOf(8), 'bot');
  });

  it('goes on answering what it knows while a person is waited for, and stops when one is there', async () => {
    await chat.say(9, 'I want to talk to a human');
    const { id } = await chat.inStatus(9, 'waiting');
    await until(async () => chat.heard(9).length === 1, 'the customer was told');
    await chat.say(9, KNOWN);
    await until(async () => chat.heard(9).length === 3, 'the bot answers');
    assert.match(chat.heard(9)[1] ?? '', /I, the bot/);
    assert.match(chat.heard(9)[2] ?? '', /five working days/);
    // What it does not know, and what asks nothing, is left for the person.
    await chat.say(9, UNKNOWN[0]);
    await chat.say(9, 'thanks');
    assert.match((await ask(9, 'human please')).text, /in the queue/);
    assert.equal(chat.heard(9).length, 4);
    assert.equal(await statusOf(9), 'waiting');
    await test.owner('POST', `/conversations/${id}/take-over`);
    await chat.say(9, KNOWN);
    await until(async () => (await chat.messages(9)).at(-1)?.text === KNOWN, 'it is stored');
    await stays(() => chat.heard(9).length === 4, 'the bot is silent', 300);
  });

  it('is silent while a person is waited for, where its owner wants it so', async () => {
    await change({ answersWhileWaiting: false });
    await chat.say(10, 'I want to talk to a human');
    await chat.inStatus(10, 'waiting');
    await until(async () => chat.heard(10).length === 1, 'the customer was told');
    await chat.say(10, KNOWN);
    await stays(() => chat.heard(10).length === 1, 'the bot is silent', 300);
    await change({ answersWhileWaiting: true });
  });

  it('speaks the language of the conversation, in its owner’s words where there are some', async () => {
    await change({ texts: { 'notFound.de': 'Das weiß ich leider nicht.', askDifferently: 'Nochmal' } });
    const missed = await ask(11, 'Welche Unterseeboote verkaufen Sie in der Antarktis eigentlich?');
    assert.equal(missed.text, 'Das weiß ich leider nicht.');
    assert.equal(missed.choices[0]?.text, 'Nochmal');
    await chat.say(11, missed.choices[1]?.text ?? '');
    const { id } = await chat.inStatus(11, 'waiting');
    await until(async () => /Ich übergebe Sie/.test(chat.heard(11).at(-1) ?? ''), 'the closing is German');
    await test.owner('POST', `/conversations/${id}/take-over`);
    const lines = (await history(test, id)).filter(({ author }) => author.type === 'system').map(({ text }) => text);
    assert.equal(lines[0], 'An einen Menschen übergeben.');
    assert.match(lines[1] ?? '', /hat übernommen/);
    const wrong = await test.owner('PATCH', `/bots/${bot.id}`, { texts: { nothing: 'x' } });
    assert.equal(wrong.status, 400);
    await change({ texts: {} });
  });

  it('a visitor’s file is no question by its name', async () => {
    const web = await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id });
    const { socket, conversationId, token } = await visit(test.url, web.data);
    const form = new FormData();
    form.set('file', new Blob([Buffer.from('89504e470d0a1a0a', 'hex')], { type: 'image/png' }), 'refund.png');
    const stored = await fetch(`${test.url}/api/v1/widget/${web.data.token}/files`, {
      method: 'POST',
      headers: { authorization: `Visitor ${token}` },
      body: form,
    });
    const { data: file } = (await stored.json()) as { data: { id: string; name: string } };
    await socket.call('customer:send_message', {
      ...{ conversationId, text: file.name, clientId: 'f1', attachmentIds: [file.id] },
    });
    const said = await socket.wait('message:received', ({ author }) => author.type === 'bot');
    assert.match(said.text, /in a sentence/);
    assert.deepEqual(
      said.choices.map(({ id }) => id),
      ['ask_differently', 'request_agent'],
    );
    const found = await test.owner<Conversation>('GET', `/conversations/${conversationId}`);
    assert.equal(found.data.status, 'bot');
    socket.close();
  });
});
