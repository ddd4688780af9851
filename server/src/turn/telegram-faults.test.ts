import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Conversation, Handoff, Message } from '@parley/contract';
import { connect, until } from '../test/app.ts';
import { openTelegramCompany } from '../test/telegram-company.ts';
import type { TelegramCompany } from '../test/telegram-company.ts';
import { assertGapless, gate, history, saidBy, saysInSteps, textUpdate } from '../test/talk.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** Telegram as it is: limits, outages, customers who block, answers that are lost. Order is kept, nothing is silent. */
describe('Telegram', () => {
  let company: TelegramCompany;
  let test: TelegramCompany['test'];
  let telegram: TelegramCompany['telegram'];
  let model: TelegramCompany['model'];
  let chat: TelegramCompany['chat'];
  let run: TelegramCompany['run'];
  let workspaceId = '';

  before(async () => {
    company = await openTelegramCompany();
    ({ test, telegram, model, chat, run, workspaceId } = company);
  });
  after(() => company?.close());

  const last = async (n: number, author: Message['author']['type']): Promise<Message | undefined> =>
    (await chat.messages(n)).findLast((message) => message.author.type === author);
  const sends = (n: number) =>
    telegram.calls.filter(
      ({ method, params }) =>
        method.startsWith('send') && method !== 'sendChatAction' && String(params['chat_id']) === String(n),
    );
  /** An agent has the conversation with this customer. */
  async function desk(n: number): Promise<{ id: string; reply: (text: string) => Promise<Message> }> {
    await chat.say(n, 'hello robot, what is up?');
    await until(async () => chat.heard(n).length === 1, 'the bot answered');
    const id = (await chat.conversation(n))?.id ?? '';
    return {
      id,
      reply: async (text) => (await test.owner<Message>('POST', `/conversations/${id}/messages`, { text })).data,
    };
  }

  it('429: waits as long as Telegram says, then goes on in order', async () => {
    const { reply } = await desk(1);
    telegram.fail({ kind: 'rate-limit', retryAfter: 1 }, { method: 'sendMessage' });
    const started = performance.now();
    const texts = ['first', 'second', 'third'];
    for (const text of texts) await reply(text);
    await until(async () => chat.heard(1).length === 4, 'all are delivered');
    assert.ok(performance.now() - started >= 990);
    assert.deepEqual(chat.heard(1).slice(1), texts);
    assert.equal(sends(1).length, 5, 'one refused, four accepted');
    await until(
      async () => saidByAgent(await chat.messages(1)).every(({ status }) => status === 'sent'),
      'all say sent',
    );
  });

  it('502 for a while: everything arrives afterwards, once and in order; another customer’s messages wait for nobody', async () => {
    const { reply } = await desk(2);
    telegram.fail({ kind: 'bad-gateway' }, { method: 'sendMessage', times: 2 });
    await reply('first');
    await reply('second');
    await chat.say(3, 'hello robot, what is up?');
    await until(async () => chat.heard(2).length === 3 && chat.heard(3).length === 1, 'all are delivered', 30_000);
    assert.deepEqual(chat.heard(2).slice(1), ['first', 'second']);
  });

  it('403: the message fails with words, the customer counts as unreachable, the thread goes on; until they come back', async () => {
    const { id, reply } = await desk(4);
    const colleague = await connect(test.url, { token: test.ownerToken });
    telegram.blockedChats.add('4');
    await reply('are you there?');
    // Whoever sees the list sees that it did not arrive.
    await colleague.wait('conversation:updated', (row) => row.id === id && row.sendFailed);
    colleague.close();
    const failed = await until(async () => {
      const message = await last(4, 'agent');
      return message?.status === 'failed' && message;
    }, 'the message failed');
    assert.match(failed.error ?? '', /blocked by the user/);
    const reachable = async () =>
      (await run<{ reachable: boolean }>(sql`select reachable from contact_identities where external_id = '4'`))[0]
        ?.reachable;
    assert.equal(await reachable(), false);
    await chat.say(5, 'hello robot, what is up?');
    await until(async () => chat.heard(5).length === 1, 'others are served');

    telegram.blockedChats.delete('4');
    const person = { id: 4, is_bot: false, first_name: 'Chat 4' };
    assert.equal(
      await chat.post({
        update_id: chat.nextUpdate(),
        my_chat_member: {
          chat: { id: 4, type: 'private' },
          from: person,
          date: 1_780_000_000,
          new_chat_member: { status: 'member', user: { id: 1, is_bot: true, first_name: 'Parley' } },
        },
      }),
      200,
    );
    await until(async () => (await reachable()) === true, 'the customer can be reached again');
    await reply('welcome back');
    await until(async () => chat.heard(4).at(-1) === 'welcome back', 'the thread goes on');
    assert.equal((await chat.conversation(4))?.id, id);
  });

  it('an answer that is lost after Telegram took the message: nothing behind it is lost or turned round', async () => {
    const { reply } = await desk(6);
    telegram.fail({ kind: 'drop', accepted: true }, { method: 'sendMessage' });
    await reply('first');
    await reply('second');
    await until(async () => chat.heard(6).at(-1) === 'second', 'both are delivered');
    // Telegram knows no idempotency key: at least once is what can be promised, in order.
    assert.deepEqual([...new Set(chat.heard(6).slice(1))], ['first', 'second']);
    await until(async () => (await last(6, 'agent'))?.status === 'sent', 'it says sent');
  });

  it('a token that was taken away: the message fails in words a person understands', async () => {
    const { reply } = await desk(7);
    telegram.fail({ kind: 'error', code: 401, description: 'Unauthorized' }, { method: 'sendMessage' });
    await reply('are you there?');
    const failed = await until(async () => {
      const message = await last(7, 'agent');
      return message?.status === 'failed' && message;
    }, 'the message failed');
    assert.match(failed.error ?? '', /does not accept the bot token/);
  });

  it('a file that is gone keeps no other message back', async () => {
    const { id, reply } = await desk(8);
    const form = new FormData();
    form.set('file', new Blob([PNG], { type: 'image/png' }), 'dot.png');
    const file = await test.owner<{ id: string }>('POST', '/files', form);
    assert.ok(file.status < 300, JSON.stringify(file.error));
    await test.app.database.asOwner((client) =>
      client.query("update files set storage_key = 'nowhere' where id = $1", [file.data.id]),
    );
    await test.owner('POST', `/conversations/${id}/messages`, { text: 'look', attachmentIds: [file.data.id] });
    await reply('and this');
    await until(async () => chat.heard(8).at(-1) === 'and this', 'the next is delivered', 40_000);
    const failed = (await chat.messages(8)).find(({ text }) => text === 'look');
    assert.equal(failed?.status, 'failed');
    assert.ok(failed.error);
  });

  it('an edit changes the message where it stands, also in a conversation that is over, and opens none', async () => {
    const first = await chat.say(9, 'I ordered a blue one');
    await until(async () => chat.heard(9).length === 1, 'the bot answered');
    const edit = (text: string) =>
      chat.post({
        update_id: chat.nextUpdate(),
        edited_message: { ...textUpdate(first, 9, text).message, edit_date: 1_780_000_100 },
      });
    assert.equal(await edit('I ordered a red one'), 200);
    const edited = await until(async () => {
      const message = (await chat.messages(9)).find(({ editedAt }) => editedAt !== null);
      return message;
    }, 'the edit is shown');
    assert.equal(edited.text, 'I ordered a red one');
    await until(async () => chat.heard(9).length === 2, 'it is answered again');
    const id = (await chat.conversation(9))?.id;
    await test.owner('POST', `/conversations/${id}/resolve`);
    assert.equal(await edit('I ordered a green one'), 200);
    await until(
      async () => (await chat.messages(9)).some(({ text }) => text === 'I ordered a green one'),
      'the late edit',
    );
    // Blocking the bot is no reason for a conversation either.
    const person = { id: 9, is_bot: false, first_name: 'Chat 9' };
    await chat.post({
      update_id: chat.nextUpdate(),
      my_chat_member: {
        chat: { id: 9, type: 'private' },
        from: person,
        date: 1,
        new_chat_member: { status: 'kicked', user: person },
      },
    });
    await until(
      async () =>
        (await run(sql`select 1 from inbound_events where thread_key = '9' and processed_at is null`)).length === 0,
      'all is worked off',
    );
    const { data } = await test.owner<Conversation[]>('GET', `/conversations?inboxId=${chat.inbox.id}&limit=100`);
    assert.equal(data.filter((one) => one.contact.name === 'Chat 9').length, 1);
    assert.equal(chat.heard(9).length, 2, 'an edit in a conversation that is over is answered by nobody');
  });

  it('a photo and a document are fetched and kept; without words a sentence is asked for', async () => {
    telegram.addFile('photo-1', PNG, { path: 'photos/dot.png' });
    telegram.addFile('doc-1', Buffer.from('hello from a file'), { path: 'documents/note.txt' });
    const size = { width: 1, height: 1 };
    await chat.say(10, '', {
      text: undefined,
      caption: 'this is the broken blue parcel',
      photo: [{ file_id: 'photo-1', file_size: PNG.length, ...size }],
    });
    await until(async () => chat.heard(10).length === 1, 'the words are answered');
    await chat.say(10, '', {
      text: undefined,
      document: { file_id: 'doc-1', file_name: 'note.txt', mime_type: 'text/plain', file_size: 17 },
    });
    const messages = await until(async () => {
      const all = (await chat.messages(10)).filter(({ author }) => author.type === 'contact');
      return all.length === 2 && all.every(({ attachments }) => attachments.length === 1) && all;
    }, 'both files are there');
    assert.deepEqual(
      messages.map(({ type, attachments }) => [type, attachments[0]?.mime]),
      [
        ['image', 'image/png'],
        ['document', 'text/plain'],
      ],
    );
    const bytes = await fetch(`${test.url}/api/v1/files/${messages[0]?.attachments[0]?.id}`, {
      headers: { authorization: `Bearer ${test.ownerToken}` },
    });
    assert.deepEqual(Buffer.from(await bytes.arrayBuffer()), PNG);
    await until(async () => /in a sentence/.test(chat.heard(10).at(-1) ?? ''), 'a sentence is asked for');
    await chat.inStatus(10, 'bot');
  });

  it('a fact that is relayed twice is handed over once', async () => {
    const fetched = (id: string) =>
      telegram.calls.filter(({ method, params }) => method === 'getFile' && params['file_id'] === id).length;
    telegram.addFile('once-1', PNG, { path: 'photos/once.png' });
    telegram.addFile('after-1', PNG, { path: 'photos/after.png' });
    const photo = (id: string) => ({ text: undefined, photo: [{ file_id: id, width: 1, height: 1 }] });
    await chat.say(11, '', photo('once-1'));
    await until(async () => (await last(11, 'contact'))?.attachments.length === 1, 'the photo is kept');
    const message = await last(11, 'contact');
    // As if the relay had died before it marked the fact, and the message had lost its file.
    await test.app.database.asOwner(async (client) => {
      await client.query("update messages set attachments = '[]' where id = $1", [message?.id]);
      await client.query('update outbox set relayed_at = null where subject_id = $1', [message?.id]);
    });
    await chat.say(11, '', photo('after-1'));
    await until(async () => (await last(11, 'contact'))?.attachments.length === 1, 'a later fact is worked on');
    assert.equal(fetched('after-1'), 1);
    const left = await run(sql`select 1 from outbox where subject_id = ${message?.id}::uuid and relayed_at is null`);
    assert.deepEqual(left, [], 'the first was relayed again before it');
    assert.equal(fetched('once-1'), 1);
  });

  it('a file is fetched later, however often Telegram asks to wait first', async () => {
    telegram.addFile('late-1', PNG, { path: 'photos/late.png' });
    // More often than a job of its own fault may run.
    telegram.fail({ kind: 'rate-limit', retryAfter: 1 }, { method: 'getFile', times: 4 });
    await chat.say(150, '', { text: undefined, photo: [{ file_id: 'late-1', width: 1, height: 1 }] });
    const refused = await until(
      async () => (await last(150, 'contact'))?.error ?? undefined,
      'the message says that the file is missing',
    );
    assert.match(refused, /could not be fetched/);
    const message = await until(
      async () => {
        const found = await last(150, 'contact');
        return found?.attachments.length === 1 && found;
      },
      'the file is there',
      30_000,
    );
    assert.equal(message.error, null, 'and nothing is missing any more');
  });

  it('a file Telegram does not hand over is named on the message', async () => {
    await chat.say(12, '', { text: undefined, document: { file_id: 'never-was', file_name: 'contract.pdf' } });
    const message = await until(async () => {
      const found = await last(12, 'contact');
      return found?.error ? found : undefined;
    }, 'the message says it');
    assert.match(message.error ?? '', /could not be fetched.*contract\.pdf/);
  });

  it('typing is shown while the bot works, and only then', async () => {
    const thinks = gate();
    model.reply(saysInSteps(['Done.'], [thinks.opened]));
    await chat.say(13, 'what is the blue parcel doing?');
    const shown = () =>
      telegram.calls.filter(({ method, params }) => method === 'sendChatAction' && params['chat_id'] === 13).length;
    await until(async () => shown() === 1, 'typing is shown');
    assert.deepEqual(chat.heard(13), []);
    thinks.open();
    await until(async () => chat.heard(13).length === 1, 'it answered');
    assert.equal(shown(), 1);
  });

  it('more than 4096 characters go out in parts, in order, none lost, also when a part fails once', async () => {
    const { reply } = await desk(14);
    const long = Array.from({ length: 1_500 }, (_, index) => `word${index}`).join(' ');
    telegram.fail({ kind: 'rate-limit', retryAfter: 1 }, { method: 'sendMessage' });
    await reply(long);
    await reply('after it');
    await until(async () => chat.heard(14).at(-1) === 'after it', 'all parts are delivered');
    const parts = chat.heard(14).slice(1, -1);
    assert.ok(parts.length >= 3 && parts.every((part) => part.length <= 4096));
    assert.equal(parts.join(' ').replace(/\s+/g, ' '), long);
  });

  it('/start greets, with the bot’s own words', async () => {
    await chat.say(15, '/start');
    await until(async () => chat.heard(15).length === 1, 'it greets');
    assert.deepEqual(chat.heard(15), ['Welcome to Acme!']);
    assert.equal((await chat.conversation(15))?.status, 'bot');
  });

  describe('a message nobody can read', () => {
    /** It names a file that is gone: storing it fails, today and tomorrow. */
    const poison = (n: number) =>
      run(sql`
      insert into inbound_events (id, workspace_id, inbox_id, thread_key, platform_id, kind, payload, received_at)
      select gen_random_uuid(), ${workspaceId}::uuid, ${chat.inbox.id}::uuid, ${String(n)}, ${`poison:${n}`}, 'message',
        jsonb_build_object('kind', 'message', 'text', 'x', 'media', '[]'::jsonb, 'attachmentIds', jsonb_build_array(gen_random_uuid()), 'sender', jsonb_build_object('externalId', ${String(n)}::text, 'name', ${`Chat ${n}`}::text)),
        now() - interval '5 seconds'`);
    const dead = (n: number) =>
      run<{ error: string }>(
        sql`select error from inbound_events where thread_key = ${String(n)} and dead_at is not null`,
      );

    it('is put aside, a person gets the conversation, the customer is told, what follows is kept', async () => {
      await poison(16);
      const handoff = await until(
        async () => {
          const { data } = await test.owner<Handoff[]>('GET', '/handoffs?limit=100');
          return data.find(({ contact }) => contact.name === 'Chat 16');
        },
        'a person is asked',
        40_000,
      );
      assert.equal(handoff.reason, 'MODEL_FAILED');
      assert.match(handoff.reasonDetail ?? '', /could not be processed/);
      await until(async () => chat.heard(16).length === 1, 'the customer is told');
      assert.match(chat.heard(16)[0] ?? '', /technical problem.*handing you over/);
      assert.equal((await dead(16)).length, 1);
      await chat.say(16, 'is anybody there?');
      await until(async () => saidBy(await chat.messages(16), 'contact').length === 1, 'the thread goes on');
    });

    it('among others it goes alone; the person who has the conversation is told', async () => {
      const { id, reply } = await desk(17);
      await reply('I am here.');
      await poison(17);
      await chat.say(17, 'a good one');
      await until(async () => (await dead(17)).length === 1, 'it is put aside', 40_000);
      const messages = await until(async () => {
        const all = await history(test, id);
        return saidBy(all, 'contact').includes('a good one') && all;
      }, 'the good one is kept');
      assertGapless(messages);
      const note = messages.find(({ event }) => event === 'message.unreadable');
      assert.equal(note?.private, true);
      assert.equal(chat.heard(17).length, 2, 'the customer hears the bot’s and the agent’s words and nothing else');
    });
  });

  it('a turn whose end fails every time is given to a person; nothing is said twice', async () => {
    await test.app.database.asOwner((client) => client.query('alter table traces rename to traces_away'));
    try {
      await chat.say(18, 'how is the blue parcel?');
      await chat.inStatus(18, 'waiting');
    } finally {
      await test.app.database.asOwner((client) => client.query('alter table traces_away rename to traces'));
    }
    await until(async () => chat.heard(18).length === 2, 'the customer is told');
    assert.equal(chat.heard(18)[0], 'Noted.');
    assert.match(chat.heard(18)[1] ?? '', /handing you over/);
    assert.equal((await run(sql`select 1 from turns where status = 'running'`)).length, 0);
  });
});

const saidByAgent = (messages: Message[]): Message[] => messages.filter(({ author }) => author.type === 'agent');
