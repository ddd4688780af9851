import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Conversation, Handoff, Inbox } from '@parley/contract';
import { startTestApp, until } from '../test/app.ts';
import type { Answer, Call, TestApp } from '../test/app.ts';
import type { ModelDouble } from '../test/doubles/model-script.ts';
import { startOpenAiDouble } from '../test/doubles/openai.ts';
import { startTelegramDouble } from '../test/doubles/telegram.ts';
import type { TelegramDouble } from '../test/doubles/telegram.ts';
import { stays } from '../test/stays.ts';
import { assertGapless, gate, history, makeBot, openTelegram, saidBy, says, saysInSteps, visit } from '../test/talk.ts';
import type { Chat } from '../test/talk.ts';

const PARAGRAPHS = ['One is said.', 'Two is said.', 'Three is said.', 'Four is said.'];

/** Invariant 8: a human owns a conversation or the bot does, never both; and of the humans, one. */
describe('who owns a conversation', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let model: ModelDouble;
  let chat: Chat;
  let web: Inbox;
  let colleague: Call;

  before(async () => {
    [telegram, model] = await Promise.all([startTelegramDouble(), startOpenAiDouble()]);
    test = await startTestApp({
      CHANNEL_TELEGRAM_API_URL: telegram.url,
      OPENAI_BASE_URL: model.url,
      OPENAI_API_KEY: 'key',
    });
    const bot = await makeBot(test, { name: 'Robin', model: 'openai/gpt-double' });
    chat = await openTelegram(test, telegram, bot.id);
    web = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
    const invited = await test.owner<{ inviteUrl: string }>('POST', '/members/invite', {
      email: 'ada@acme.test',
      role: 'agent',
    });
    const token = new URL(invited.data.inviteUrl).searchParams.get('token');
    const accepted = await test.anonymous<{ accessToken: string }>('POST', '/auth/accept-invite', {
      token,
      name: 'Ada',
      password: 'a long enough password',
    });
    assert.ok(accepted.data?.accessToken, JSON.stringify(accepted.error));
    colleague = test.as(accepted.data.accessToken);
    model.otherwise(says('Noted.'));
  });
  after(async () => {
    await test?.close();
    await Promise.all([telegram?.close(), model?.close()]);
  });

  const read = async (id: string): Promise<Conversation> =>
    (await test.owner<Conversation>('GET', `/conversations/${id}`)).data;

  const takes: [string, (id: string) => Promise<Answer>][] = [
    ['takes over', (id) => test.owner('POST', `/conversations/${id}/take-over`)],
    ['replies', (id) => test.owner('POST', `/conversations/${id}/messages`, { text: 'I am here.' })],
    ['resolves', (id) => test.owner('POST', `/conversations/${id}/resolve`)],
  ];
  for (const [name, take] of takes) {
    it(`a human ${name} in the middle of the bot’s words: nothing of the bot follows, on screen or in the record`, async () => {
      const more = gate();
      model.reply(saysInSteps(PARAGRAPHS, [undefined, more.opened]));
      const { socket: visitor, conversationId, say } = await visit(test.url, web, `Visitor who ${name}`);
      await say('count the blue parcels');
      await visitor.wait('message:received', ({ text }) => text === PARAGRAPHS[1]);
      assert.ok((await take(conversationId)).status < 300);
      more.open();
      await until(
        async () => model.requests.at(-1)?.aborted === true || visitor.seen('message:chunk').some(({ last }) => last),
        'the turn ended',
      );
      const ofBot = async () => saidBy(await history(test, conversationId), 'bot');
      await stays(async () => (await ofBot()).length === 2, 'the bot is silent', 200);
      const messages = await history(test, conversationId);
      assert.deepEqual(saidBy(messages, 'bot'), PARAGRAPHS.slice(0, 2));
      assert.deepEqual(
        visitor.seen('message:chunk').flatMap(({ text }) => (text === '' ? [] : [text])),
        PARAGRAPHS.slice(0, 2),
      );
      assertGapless(messages);
      assert.notEqual(visitor.seen('typing').at(-1)?.typing, true);
      visitor.close();
    });
  }

  it('on Telegram too; the bot is silent while the human has it, and answers again when it is given back', async () => {
    const more = gate();
    model.reply(saysInSteps(PARAGRAPHS, [undefined, undefined, more.opened]));
    await chat.say(1, 'count the blue parcels');
    await until(async () => chat.heard(1).length === 2, 'two paragraphs are delivered');
    const id = (await chat.conversation(1))?.id ?? '';
    await test.owner('POST', `/conversations/${id}/take-over`);
    more.open();
    await chat.say(1, 'where is the blue parcel?');
    await until(async () => saidBy(await chat.messages(1), 'contact').length === 2, 'the question is stored');
    await test.owner('POST', `/conversations/${id}/messages`, { text: 'On its way.' });
    await until(async () => chat.heard(1).at(-1) === 'On its way.', 'the human is heard');
    assert.deepEqual(chat.heard(1), [...PARAGRAPHS.slice(0, 2), 'On its way.']);

    const back = await test.owner<Conversation>('POST', `/conversations/${id}/return-to-bot`);
    assert.equal(back.data.status, 'bot');
    assert.equal(back.data.assignee, null);
    await chat.say(1, 'where is the red parcel?');
    await until(async () => chat.heard(1).at(-1) === 'Noted.', 'the bot answers again');
    assert.equal(chat.heard(1).length, 4);
  });

  it('a private note leaves the conversation with the bot', async () => {
    await chat.say(2, 'where is the blue parcel?');
    await until(async () => chat.heard(2).length === 1, 'the bot answers');
    const id = (await chat.conversation(2))?.id ?? '';
    await test.owner('POST', `/conversations/${id}/messages`, { text: 'a note', private: true });
    await chat.say(2, 'where is the red parcel?');
    await until(async () => chat.heard(2).length === 2, 'the bot goes on');
    assert.equal(chat.heard(2).includes('a note'), false);
    assert.equal(JSON.stringify(model.requests.at(-1)?.body).includes('a note'), false);
  });

  it('the queue: high before normal before low, the oldest first; who waits longest for a place is told it', async () => {
    const names = ['low', 'normal old', 'high', 'normal new'];
    for (const [index, name] of names.entries()) {
      const { socket: visitor, say, conversationId } = await visit(test.url, web, name);
      await say('I want to talk to a human');
      await visitor.wait('status:changed', ({ status }) => status === 'waiting');
      const [priority = 'normal'] = name.split(' ');
      await test.app.database.asOwner((client) =>
        client.query(
          "update handoffs set priority = $1, priority_rank = $2, waiting_since = now() - interval '1 hour' + $3 * interval '1 minute' where conversation_id = $4",
          [priority, ['high', 'normal', 'low'].indexOf(priority), index, conversationId],
        ),
      );
      visitor.close();
    }
    const { data } = await test.owner<Handoff[]>('GET', '/handoffs');
    assert.deepEqual(
      data.map(({ contact, position }) => [contact.name, position]),
      [
        ['high', 1],
        ['normal old', 2],
        ['normal new', 3],
        ['low', 4],
      ],
    );
  });

  it('two colleagues pick up at once: one gets it, the other learns who', async () => {
    for (let round = 0; round < 3; round += 1) {
      const n = 10 + round;
      await chat.say(n, 'I want to talk to a human');
      const { id } = await chat.inStatus(n, 'waiting');
      const queue = await test.owner<Handoff[]>('GET', '/handoffs');
      const handoff = queue.data.find(({ conversationId }) => conversationId === id);
      const answers = await Promise.all(
        [test.owner, colleague].map((call) => call('POST', `/handoffs/${handoff?.id}/pick-up`)),
      );
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
      const owner = (await read(id)).assignee?.name ?? 'nobody';
      const loser = answers.find(({ status }) => status === 409);
      assert.match(loser?.error?.message ?? '', new RegExp(owner));
      assert.equal((await history(test, id)).filter(({ event }) => event === 'handoff.picked_up').length, 1);
    }
  });

  it('asking for a human twice waits once', async () => {
    await Promise.all([chat.say(20, 'I want to talk to a human'), chat.say(20, 'human please')]);
    await chat.inStatus(20, 'waiting');
    await chat.say(20, 'I want to talk to a human');
    await until(async () => saidBy(await chat.messages(20), 'contact').length === 3, 'all is stored');
    const { data } = await test.owner<Handoff[]>('GET', '/handoffs');
    assert.equal(data.filter(({ contact }) => contact.name === 'Chat 20').length, 1);
    assert.equal(chat.heard(20).filter((text) => /handing you over/.test(text)).length <= 1, true);
  });

  it('a snooze ends by the clock', async () => {
    await chat.say(30, 'where is the blue parcel?');
    await until(async () => chat.heard(30).length === 1, 'the bot answers');
    const id = (await chat.conversation(30))?.id ?? '';
    await test.owner('POST', `/conversations/${id}/take-over`);
    const until2 = new Date(Date.now() + 500).toISOString();
    const snoozed = await test.owner<Conversation>('POST', `/conversations/${id}/snooze`, { until: until2 });
    assert.equal(snoozed.data.status, 'snoozed', JSON.stringify(snoozed.error));
    const woken = await chat.inStatus(30, 'agent');
    assert.equal(woken.snoozedUntil, null);
    assert.equal((await history(test, id)).at(-1)?.event, 'conversation.woke_up');
  });

  it('a snooze ends by a message, and whoever had it has it again', async () => {
    const later = new Date(Date.now() + 3_600_000).toISOString();
    for (const [n, owner] of [
      [31, 'agent'],
      [32, 'bot'],
    ] as const) {
      await chat.say(n, 'where is the blue parcel?');
      await until(async () => chat.heard(n).length === 1, 'the bot answers');
      const id = (await chat.conversation(n))?.id ?? '';
      if (owner === 'agent') await test.owner('POST', `/conversations/${id}/take-over`);
      await test.owner('POST', `/conversations/${id}/snooze`, { until: later });
      await chat.inStatus(n, 'snoozed');
      await chat.say(n, 'where is the red parcel?');
      await chat.inStatus(n, owner);
      if (owner === 'bot') await until(async () => chat.heard(n).length === 2, 'the bot answers again');
      else assert.equal(chat.heard(n).length, 1);
    }
  });

  it('a turn that was cut off after its handoff opens no other conversation once a person has closed its own', async () => {
    await chat.say(50, 'I want to talk to a human');
    const { id } = await chat.inStatus(50, 'waiting');
    const { data: queue } = await test.owner<Handoff[]>('GET', '/handoffs');
    const handoff = queue.find(({ conversationId }) => conversationId === id);
    assert.equal((await test.owner('POST', `/handoffs/${handoff?.id}/pick-up`)).status, 200);
    assert.equal((await test.owner('POST', `/conversations/${id}/resolve`)).status, 200);
    // As a process leaves it that dies between the handoff and the end of the turn.
    await test.app.database.asOwner(async (client) => {
      await client.query("update turns set status = 'running', finished_at = null where conversation_id = $1", [id]);
      await client.query(
        `update inbound_events set processed_at = null, received_at = now() - interval '5 seconds'
         where inbox_id = $1 and thread_key = '50'`,
        [chat.inbox.id],
      );
    });
    const turns = () =>
      test.app.database.asOwner(async (client) => {
        const { rows } = await client.query<{ status: string; conversations: number; error: string | null }>(
          `select t.status, (select count(*)::int from conversations c where c.thread_id = t.thread_id) as conversations,
             (select max(error) from inbound_events e where e.inbox_id = $2 and e.thread_key = '50') as error
           from turns t where t.conversation_id = $1`,
          [id, chat.inbox.id],
        );
        return rows;
      });
    await until(async () => (await turns()).every(({ status }) => status !== 'running'), 'the turn ends');
    assert.deepEqual(await turns(), [{ status: 'stopped', conversations: 1, error: null }]);
    const heard = chat.heard(50).length;
    await chat.say(50, 'where is the green parcel?');
    await until(async () => chat.heard(50).length > heard, 'what comes next is answered');
    assert.equal(chat.heard(50).at(-1), 'Noted.');
  });

  it('a bot whose model has no key hands over with the reason, at once', async () => {
    const keyless = await makeBot(test, { name: 'Keyless', model: 'anthropic/claude-double' });
    const other = await openTelegram(test, telegram, keyless.id, 'Keyless');
    await other.say(40, 'where is the blue parcel?');
    const { id } = await other.inStatus(40, 'waiting');
    const { data } = await test.owner<Handoff[]>('GET', '/handoffs');
    const handoff = data.find(({ conversationId }) => conversationId === id);
    assert.equal(handoff?.reason, 'MODEL_FAILED');
    assert.match(handoff.reasonDetail ?? '', /Check the key/);
  });

  it('an inbox without a bot asks for a person at once', async () => {
    const other = await openTelegram(test, telegram, null, 'Nobody');
    await other.say(41, 'where is the blue parcel?');
    await other.inStatus(41, 'waiting');
    const { data } = await test.owner<Handoff[]>('GET', '/handoffs');
    assert.equal(data.find(({ contact }) => contact.name === 'Chat 41')?.reason, 'NO_BOT');
  });
});
