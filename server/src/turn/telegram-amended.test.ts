import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Message } from '@parley/contract';
import { until } from '../test/app.ts';
import { openTelegramCompany } from '../test/telegram-company.ts';
import type { TelegramCompany } from '../test/telegram-company.ts';
import { saidBy, textUpdate } from '../test/talk.ts';

/** What Telegram says beside plain messages: edits, deletions and reactions, in whichever order they come. */
describe('Telegram, beside plain messages', () => {
  let company: TelegramCompany;
  let test: TelegramCompany['test'];
  let telegram: TelegramCompany['telegram'];
  let model: TelegramCompany['model'];
  let chat: TelegramCompany['chat'];
  let run: TelegramCompany['run'];

  before(async () => {
    company = await openTelegramCompany();
    ({ test, telegram, model, chat, run } = company);
  });
  after(() => company?.close());

  const person = (n: number) => ({ id: n, is_bot: false, first_name: `Chat ${n}` });
  const edited = (id: number, n: number, text: string, date: number, more: object = {}) =>
    chat.post({
      update_id: chat.nextUpdate(),
      edited_message: { ...textUpdate(id, n, text).message, edit_date: date, ...more },
    });
  const reacted = (id: number, n: number, emoji: string | null) =>
    chat.post({
      update_id: chat.nextUpdate(),
      message_reaction: {
        chat: { id: n, type: 'private' },
        message_id: id,
        user: person(n),
        date: 1_780_000_200,
        old_reaction: [],
        new_reaction: emoji === null ? [] : [{ type: 'emoji', emoji }],
      },
    });
  const workedOff = (n: number) =>
    until(
      async () =>
        (await run(sql`select 1 from inbound_events where thread_key = ${String(n)} and processed_at is null`))
          .length === 0,
      'all is worked off',
    );
  const ofContact = async (n: number): Promise<Message[]> =>
    (await chat.messages(n)).filter(({ author }) => author.type === 'contact');

  it('edits and reactions that are here before their message are applied when it comes, in order; the bot answers the last words', async () => {
    const id = chat.nextUpdate();
    assert.equal(await edited(id, 30, 'where is my red parcel', 1_780_000_050), 200);
    assert.equal(await reacted(id, 30, '👎'), 200);
    assert.equal(await reacted(id, 30, '👍'), 200);
    assert.equal(await edited(id, 30, 'where is my blue parcel', 1_780_000_100), 200);
    await workedOff(30);
    assert.equal(await chat.post(textUpdate(id, 30, 'where is my parcel')), 200);
    await until(async () => chat.heard(30).length === 1, 'it is answered');
    const [message] = await ofContact(30);
    assert.equal(message?.text, 'where is my blue parcel');
    assert.deepEqual(
      message.earlier.map(({ text }) => text),
      ['where is my parcel', 'where is my red parcel'],
    );
    assert.deepEqual(
      message.reactions.map(({ emoji }) => emoji),
      ['👍'],
    );
    assert.match(JSON.stringify(model.requests.at(-1)), /my blue parcel/);
    const kept = await run(sql`select 1 from inbound_ids where platform_id like 'early:%'`);
    assert.deepEqual(kept, []);
    // The same in a conversation that is open already, where a message is stored by one statement.
    const next = chat.nextUpdate();
    assert.equal(await edited(next, 30, 'and my green one?', 1_780_000_300), 200);
    await workedOff(30);
    assert.equal(await chat.post(textUpdate(next, 30, 'and my grene one?')), 200);
    await until(async () => chat.heard(30).length === 2, 'it is answered, too');
    assert.match(JSON.stringify(model.requests.at(-1)), /my green one/);
    assert.equal((await ofContact(30)).at(-1)?.text, 'and my green one?');
  });

  it('of a message that never comes a bounded number is kept', async () => {
    const id = chat.nextUpdate();
    for (let n = 0; n < 14; n += 1) await edited(id, 31, `try ${n}`, 1_780_000_000 + n);
    await workedOff(31);
    assert.equal((await run(sql`select 1 from inbound_ids where platform_id like 'early:%'`)).length, 10);
    await chat.post(textUpdate(id, 31, 'try'));
    await until(async () => (await ofContact(31))[0]?.text === 'try 13', 'the newest of them counts');
  });

  it('a reaction to what the bot said stands at it', async () => {
    await chat.say(32, 'how is the blue parcel?');
    await until(async () => chat.heard(32).length === 1, 'it is answered');
    const sent = telegram.messages.findLast(({ chatId }) => chatId === '32');
    await reacted(sent?.messageId ?? 0, 32, '❤');
    await until(
      async () => (await chat.messages(32)).some(({ author, reactions }) => author.type === 'bot' && reactions.length),
      'the reaction is shown',
    );
    await reacted(sent?.messageId ?? 0, 32, null);
    await until(async () => (await chat.messages(32)).every(({ reactions }) => !reactions.length), 'it is taken back');
  });

  it('an edit that says something else is answered again while it is the last word and the bot has the conversation', async () => {
    const first = await chat.say(33, 'I ordered a blue one');
    await until(async () => chat.heard(33).length === 1, 'the bot answered');
    await edited(first, 33, 'I ordered a RED one', 1_780_000_100);
    await until(async () => chat.heard(33).length === 2, 'it answers again');
    assert.match(JSON.stringify(model.requests.at(-1)), /a RED one/);
    // The same letters, and later words of a person: neither is a question.
    await edited(first, 33, 'I ordered a red one!', 1_780_000_110);
    const second = await chat.say(33, 'and a green one');
    await until(async () => chat.heard(33).length === 3, 'the next is answered');
    await edited(first, 33, 'I ordered a yellow one', 1_780_000_120);
    const id = (await chat.conversation(33))?.id;
    await workedOff(33);
    await test.owner('POST', `/conversations/${id}/messages`, { text: 'I am here now.' });
    await until(async () => chat.heard(33).length === 4, 'the agent answers');
    await edited(second, 33, 'and a black one', 1_780_000_130);
    await until(
      async () => (await ofContact(33)).some(({ text }) => text === 'and a black one'),
      'a person reads the last edit',
    );
    assert.deepEqual(chat.heard(33), ['Noted.', 'Noted.', 'Noted.', 'I am here now.']);
    assert.deepEqual(saidBy(await chat.messages(33), 'contact'), ['I ordered a yellow one', 'and a black one']);
  });

  const size = { width: 1, height: 1 };
  const item = (n: number, group: string, file: string, more: object = {}) => {
    const id = chat.nextUpdate();
    telegram.addFile(file, Buffer.from(`bytes of ${file}`), { path: `photos/${file}.txt` });
    const photo = [{ file_id: file, ...size }];
    return { id, update: textUpdate(id, n, '', { text: undefined, media_group_id: group, photo, ...more }) };
  };
  const filesOf = (message: Message | undefined): string[] => (message?.attachments ?? []).map(({ name }) => name);

  it('an album is one message and one turn, with all its files and the one caption, wherever that stands', async () => {
    const album = [
      item(40, 'mg1', 'a1'),
      item(40, 'mg1', 'a2', { caption: 'all three of the blue ones are broken' }),
      item(40, 'mg1', 'a3'),
    ];
    await Promise.all(album.map(({ update }) => chat.post(update)));
    const asked = model.requests.length;
    const message = await until(async () => {
      const [one, ...more] = await ofContact(40);
      assert.deepEqual(more, [], 'they are one');
      return one?.attachments.length === 3 && one;
    }, 'all files are there');
    assert.equal(message.text, 'all three of the blue ones are broken');
    await until(async () => chat.heard(40).length === 1, 'it is answered once');
    assert.match(JSON.stringify(model.requests.slice(asked)), /all three of the blue ones/);
    // Edits, replies and reactions name the item they are of.
    const second = album[1]?.id ?? 0;
    await edited(second, 40, '', 1_780_000_500, {
      text: undefined,
      caption: 'only two of them are',
      media_group_id: 'mg1',
    });
    await until(async () => (await ofContact(40))[0]?.text === 'only two of them are', 'the caption is edited');
    await reacted(album[2]?.id ?? 0, 40, '😢');
    await until(async () => (await ofContact(40))[0]?.reactions.length === 1, 'the reaction stands at the album');
    const late = item(40, 'mg1', 'a4');
    assert.equal(await chat.post(late.update), 200);
    const whole = await until(async () => {
      const [one] = await ofContact(40);
      return one?.attachments.length === 4 && one;
    }, 'what came late is added');
    assert.deepEqual(filesOf(whole), ['a1.txt', 'a2.txt', 'a3.txt', 'a4.txt']);
    assert.equal((await ofContact(40)).length, 1);
    await chat.say(40, 'this one', { reply_to_message: { message_id: second, caption: 'only two of them are' } });
    await until(
      async () => (await ofContact(40)).at(-1)?.replyToId === whole.id,
      'an answer to an item leads to the album',
    );
  });

  it('what is answered is quoted: a part, and what is older than the conversation; the bot reads it', async () => {
    const first = await chat.say(41, 'do you have it in red, blue or green?');
    await until(async () => chat.heard(41).length === 1, 'it is answered');
    await chat.say(41, 'that one please', {
      reply_to_message: { message_id: first, from: person(41), text: 'do you have it in red, blue or green?' },
      quote: { text: 'blue or', position: 26, is_manual: true },
    });
    await until(async () => chat.heard(41).length === 2, 'the answer to a part is answered');
    await chat.say(41, 'and this?', {
      reply_to_message: { message_id: 3, from: { ...person(9), is_bot: true }, text: 'Order 4418 is on its way.' },
    });
    await until(async () => chat.heard(41).length === 3, 'the answer to an old message is answered');
    assert.match(JSON.stringify(model.requests.at(-1)), /Order 4418 is on its way/);
    const [one, two, three] = await ofContact(41);
    assert.deepEqual([two?.replyToId, two?.quote], [one?.id, { text: 'blue or', author: 'contact' }]);
    assert.deepEqual([three?.replyToId, three?.quote], [null, { text: 'Order 4418 is on its way.', author: 'bot' }]);
  });

  const contactOf = async (n: number) => {
    const [row] = await run<{ name: string; phone: string | null; profile: Record<string, unknown> }>(sql`
      select c.name, c.phone, i.profile from contact_identities i join contacts c on c.id = i.contact_id
      where i.external_id = ${String(n)} and i.inbox_id = ${chat.inbox.id}::uuid`);
    return row;
  };

  it('a number shared later is the contact’s own; a new name counts until an agent wrote one', async () => {
    await chat.say(42, 'hello robot, what is up?');
    await until(async () => chat.heard(42).length === 1, 'it is answered');
    const card = (phone: string, userId: number) => ({
      text: undefined,
      contact: { phone_number: phone, first_name: 'Somebody', user_id: userId },
    });
    await chat.say(42, '', card('+49111', 7));
    await chat.say(42, '', card('+49222', 42));
    await until(async () => (await contactOf(42))?.phone === '+49222', 'the own number is known');
    await chat.say(42, 'me again', {
      from: { ...person(42), first_name: 'Chat 42', last_name: 'Miller', username: 'mill' },
    });
    await until(async () => (await contactOf(42))?.name === 'Chat 42 Miller', 'the new name counts');
    const { data } = await test.owner<{ id: string; contact: { id: string; name: string } }[]>(
      'GET',
      `/conversations?inboxId=${chat.inbox.id}&limit=100`,
    );
    const found = data.find(({ contact }) => contact.name === 'Chat 42 Miller');
    const changed = await test.owner('PATCH', `/contacts/${found?.contact.id}`, { name: 'Ms Miller', phone: '+49333' });
    assert.equal(changed.status, 200, JSON.stringify(changed.error));
    await chat.say(42, '', { ...card('+49444', 42), from: { ...person(42), first_name: 'Millie' } });
    await until(async () => (await contactOf(42))?.profile['name'] === 'Millie', 'it is noted');
    assert.deepEqual([(await contactOf(42))?.name, (await contactOf(42))?.phone], ['Ms Miller', '+49333']);
  });

  it('the parameter of a deep link is recorded for a known customer, too, and `/start` is no question', async () => {
    await chat.say(43, 'hello robot, what is up?');
    await until(async () => chat.heard(43).length === 1, 'it is answered');
    const asked = model.requests.length;
    await chat.say(43, `/start spring_${'x'.repeat(200)}`);
    await until(async () => chat.heard(43).at(-1) === 'Welcome to Acme!', 'it greets');
    assert.equal(model.requests.length, asked);
    const start = `spring_${'x'.repeat(57)}`;
    assert.deepEqual((await ofContact(43)).at(-1)?.details, { start });
    assert.deepEqual((await contactOf(43))?.profile['metadata'], { startPayload: start });
  });

  it('a group that becomes a supergroup keeps its conversation', async () => {
    const group = { id: -500, type: 'group', title: 'IT' };
    await chat.say(44, 'who has the blue parcel?', { chat: group });
    await until(async () => chat.heard(-500).length === 1, 'it is answered');
    const notice = (id: number, more: object) =>
      chat.post({ update_id: chat.nextUpdate(), message: { message_id: id, date: 1_780_000_000, ...more } });
    const supergroup = { id: -100500, type: 'supergroup', title: 'IT' };
    await notice(20, { chat: group, migrate_to_chat_id: -100500 });
    await workedOff(-500);
    await notice(1, { chat: supergroup, migrate_from_chat_id: -500 });
    await chat.say(44, 'and the green one?', { chat: supergroup });
    await until(async () => chat.heard(-100500).length === 1, 'it is answered under the new id');
    assert.deepEqual(saidBy(await chat.messages(44), 'contact'), ['who has the blue parcel?', 'and the green one?']);
  });

  it('a message that reached us late keeps its place and says when it was written', async () => {
    const hour = Math.floor(Date.now() / 1_000) - 3_600;
    await chat.say(45, 'hello robot, what is up?', { date: Math.floor(Date.now() / 1_000) });
    await chat.say(45, 'I wrote this an hour ago', { date: hour });
    const messages = await until(async () => {
      const all = await ofContact(45);
      return all.length === 2 && all;
    }, 'both are stored');
    assert.equal(messages[0]?.sentAt, null);
    assert.equal(messages[1]?.sentAt, new Date(hour * 1_000).toISOString());
    assert.ok((messages[1]?.seq ?? 0) > (messages[0]?.seq ?? 0));
  });

  it('a file that was given up may be tried again by a person', async () => {
    telegram.addFile('huge', Buffer.from('small after all'), { path: 'documents/huge.txt', size: 30 * 1024 * 1024 });
    await chat.say(46, '', { text: undefined, document: { file_id: 'huge', file_name: 'huge.txt' } });
    const failed = await until(async () => {
      const [message] = await ofContact(46);
      return message?.missingFiles[0]?.state === 'failed' && message;
    }, 'it is given up');
    assert.match(failed.missingFiles[0]?.reason ?? '', /up to 20 MB/);
    telegram.addFile('huge', Buffer.from('small after all'), { path: 'documents/huge.txt' });
    const again = await test.owner<Message>('POST', `/messages/${failed.id}/files/retry`);
    assert.equal(again.status, 200, JSON.stringify(again.error));
    await until(async () => filesOf((await ofContact(46))[0])[0] === 'huge.txt', 'it is here');
    const [message] = await ofContact(46);
    assert.deepEqual([message?.missingFiles, message?.error], [[], null]);
    assert.equal((await test.owner('POST', `/messages/${failed.id}/files/retry`)).status, 409);
  });

  it('what an agent types goes out as it was typed', async () => {
    await chat.say(47, 'hello robot, what is up?');
    const { id } = await chat.inStatus(47, 'bot');
    const typed = 'Dial *123*456# and _wait_ <b>\n1. `now`';
    await test.owner('POST', `/conversations/${id}/messages`, { text: typed });
    await until(async () => chat.heard(47).at(-1) === typed, 'it is heard');
    const heard = telegram.messages.findLast(({ chatId }) => chatId === '47');
    assert.deepEqual(heard?.entities, []);
    assert.equal((await chat.messages(47)).at(-1)?.text, typed);
  });

  it('what waits for a customer who blocks the bot fails at once, in words', async () => {
    await chat.say(48, 'hello robot, what is up?');
    await until(async () => chat.heard(48).length === 1, 'it is answered');
    const { id } = await chat.inStatus(48, 'bot');
    telegram.fail({ kind: 'rate-limit', retryAfter: 3_600 }, { method: 'sendMessage' });
    await test.owner('POST', `/conversations/${id}/messages`, { text: 'are you there?' });
    const delivery = () =>
      run<{ error: string | null; state: string }>(
        sql`select state, error from deliveries where conversation_id = ${id}::uuid order by seq desc limit 1`,
      );
    await until(async () => /Too Many Requests/.test((await delivery())[0]?.error ?? ''), 'it waits');
    telegram.blockedChats.add('48');
    await chat.post({
      update_id: chat.nextUpdate(),
      my_chat_member: {
        chat: { id: 48, type: 'private' },
        from: person(48),
        date: 1_780_000_000,
        new_chat_member: { status: 'kicked', user: { id: 1, is_bot: true, first_name: 'Parley' } },
      },
    });
    const failed = await until(async () => {
      const message = (await chat.messages(48)).at(-1);
      return message?.status === 'failed' && message;
    }, 'it fails');
    assert.match(failed.error ?? '', /blocked by the user/);
  });
});
