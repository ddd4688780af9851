import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Bot, BotInput, Handoff, Inbox, Trace } from '@parley/contract';
import { startTestApp, until } from '../test/app.ts';
import type { TestApp } from '../test/app.ts';
import { startAnthropicDouble } from '../test/doubles/anthropic.ts';
import { startGeminiDouble } from '../test/doubles/gemini.ts';
import type { ModelDouble, ModelReply, ModelStep } from '../test/doubles/model-script.ts';
import { startOpenAiDouble } from '../test/doubles/openai.ts';
import { startTelegramDouble } from '../test/doubles/telegram.ts';
import type { TelegramDouble } from '../test/doubles/telegram.ts';
import { stays } from '../test/stays.ts';
import {
  gate,
  history,
  knowsNot,
  makeBot,
  openTelegram,
  replySteps,
  saidBy,
  says,
  saysInSteps,
  visit,
} from '../test/talk.ts';
import type { Chat } from '../test/talk.ts';

const TROUBLE = /cannot answer right now because of a technical problem/;
const error = (status: number, retryAfterSeconds?: number): ModelReply => ({
  kind: 'error',
  status,
  retryAfterSeconds,
});
const half = (kind: 'cut' | 'error-in-stream' | 'hang', ...paragraphs: string[]): ModelReply => ({
  kind,
  steps: paragraphs.length > 0 ? [...replySteps('YES', [...paragraphs, 'unfinished']).slice(0, -1), 300] : [],
});

/** A model that fails in every way there is: tried again or handed over with the reason in words; the customer is told. */
describe('a model that fails', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let openai: ModelDouble;
  let anthropic: ModelDouble;
  let gemini: ModelDouble;
  let bot: Bot;
  let chat: Chat;
  let places = 0;

  before(async () => {
    [telegram, openai, anthropic, gemini] = await Promise.all([
      startTelegramDouble(),
      startOpenAiDouble(),
      startAnthropicDouble(),
      startGeminiDouble(),
    ]);
    test = await startTestApp(
      {
        CHANNEL_TELEGRAM_API_URL: telegram.url,
        OPENAI_BASE_URL: openai.url,
        OPENAI_API_KEY: 'key',
        ANTHROPIC_BASE_URL: anthropic.url,
        ANTHROPIC_API_KEY: 'key',
        GOOGLE_GENERATIVE_AI_BASE_URL: gemini.url,
        GOOGLE_GENERATIVE_AI_API_KEY: 'key',
      },
      { pace: { modelIdleMs: 600, modelRetryMs: 20, roundRetryMs: 50 } },
    );
    bot = await makeBot(test, { name: 'Robin', model: 'openai/gpt-double' });
    chat = await openTelegram(test, telegram, bot.id);
  });
  after(async () => {
    await test?.close();
    await Promise.all([telegram?.close(), openai?.close(), anthropic?.close(), gemini?.close()]);
  });
  /** The breaker looks at the last ten calls: enough good ones, and the next fault is judged by itself. */
  beforeEach(async () => {
    places += 1;
    openai.reply(...Array.from({ length: 8 }, () => says('Fine.')));
    for (let call = 0; call < 8; call += 1)
      await test.owner('POST', `/bots/${bot.id}/ask`, { question: 'Is all well there?' });
    openai.requests.length = 0;
  });

  const waiting = (n: number): Promise<Handoff> =>
    until(async () => {
      const { data } = await test.owner<Handoff[]>('GET', '/handoffs?limit=100');
      return data.find((handoff) => handoff.contact.name === `Chat ${n}`);
    }, `chat ${n} waits for a person`);
  const answered = (n: number, ...texts: string[]) =>
    until(async () => chat.heard(n).length >= texts.length, `chat ${n} was answered`).then(() =>
      assert.deepEqual(chat.heard(n), texts),
    );

  it('a reply of 200,000 short lines: the customer gets a few pages and a mark, the record says why', async () => {
    openai.reply({
      kind: 'hang',
      steps: [replySteps('YES', ['x'])[0] ?? '', ...Array(200).fill('line\\n'.repeat(1_000))],
    });
    await chat.say(places, 'tell me everything');
    await until(async () => chat.heard(places).at(-1)?.endsWith('…') === true, 'the answer was cut');
    const heard = chat.heard(places).join('');
    assert.ok(heard.length > 15_000 && heard.length <= 20_100, `${heard.length} characters`);
    assert.equal(openai.requests.length, 1, 'a long answer is an answer');
    const record = await until(async () => {
      const { data } = await test.owner<Trace[]>('GET', `/bots/${bot.id}/traces`);
      return data.find(({ question }) => question === 'tell me everything');
    }, 'the answer is recorded');
    const trace = await test.owner<Trace>('GET', `/traces/${record.id}`);
    assert.match(trace.data.error ?? '', /more than 20,000 characters/);
  });

  describe('and then answers', () => {
    const recovers: [string, ModelReply[]][] = [
      ['500 twice', [error(500), error(500)]],
      ['no answer to the connection', [{ kind: 'cut', steps: [] }]],
      ['an error inside the stream', [{ kind: 'error-in-stream', steps: replySteps('YES', ['Unfin']).slice(0, 1) }]],
      [
        'half a stream, before the first paragraph',
        [{ kind: 'cut', steps: replySteps('YES', ['Unfinished']).slice(0, 2) }],
      ],
      [
        'JSON that breaks off',
        [{ kind: 'answer', steps: ['{"have_enough_information_for_reply":"YES","reply":"Unfin'] }],
      ],
      ['invalid JSON on the wire', [{ kind: 'invalid-json' }]],
      ['silence', [{ kind: 'hang' }]],
    ];
    for (const [name, faults] of recovers) {
      it(`${name}: the customer sees one answer and nothing else`, async () => {
        openai.reply(...faults, says('All is well.'));
        await chat.say(places, 'is it there?');
        await answered(places, 'All is well.');
        assert.equal(openai.requests.length, faults.length + 1);
        assert.equal((await chat.conversation(places))?.status, 'bot');
      });
    }

    it('429: waits as long as it was told', async () => {
      openai.reply(error(429, 1), says('All is well.'));
      const started = performance.now();
      await chat.say(places, 'is it there?');
      await answered(places, 'All is well.');
      assert.ok(performance.now() - started >= 990);
    });

    const goesOn: [string, ModelReply][] = [
      ['cut', half('cut', 'One is said.', 'Two is said.')],
      ['failed by an error in the stream', half('error-in-stream', 'One is said.', 'Two is said.')],
      ['silent', half('hang', 'One is said.', 'Two is said.')],
    ];
    for (const [name, fault] of goesOn) {
      it(`${name} after the first paragraphs: goes on after them, though the model starts over`, async () => {
        openai.reply(fault, says('One is said.', 'Two is said.', 'Three is said.'));
        await chat.say(places, 'count');
        await answered(places, 'One is said.', 'Two is said.', 'Three is said.');
        assert.match(JSON.stringify(openai.requests[1]?.body), /already_sent/);
        assert.equal((await chat.conversation(places))?.status, 'bot');
      });
    }
  });

  describe('for good', () => {
    const fails: [string, ModelReply, number, RegExp][] = [
      ['500', error(500), 3, /not reachable/],
      ['429 with a wait of a minute', error(429, 60), 1, /limits our requests/],
      ['401, a wrong key', error(401), 1, /Check the key/],
      ['404, no such model', error(404), 1, /Check the key and the name of the model/],
      ['invalid JSON', { kind: 'invalid-json' }, 3, /unreadable/],
      ['prose instead of the agreed form', { kind: 'answer', steps: ['Sure! The parcel is here.'] }, 3, /unreadable/],
      ['silence', { kind: 'hang' }, 3, /did not answer in time/],
    ];
    for (const [name, fault, attempts, reason] of fails) {
      it(`${name}: a person gets it with the reason, and the customer is told`, async () => {
        openai.reply(...Array.from({ length: attempts }, () => fault));
        await chat.say(places, 'is it there?');
        const handoff = await waiting(places);
        assert.equal(handoff.reason, 'MODEL_FAILED');
        assert.match(handoff.reasonDetail ?? '', reason);
        assert.equal(handoff.question, 'is it there?');
        await until(async () => chat.heard(places).length === 2, 'the customer was told twice');
        assert.match(chat.heard(places)[0] ?? '', TROUBLE);
        assert.match(chat.heard(places)[1] ?? '', /handing you over.*number \d+/);
        assert.equal(openai.requests.length, attempts);
        // Nothing is lost on the way: what the customer writes now is there for the person.
        await chat.say(places, 'hello?');
        await until(async () => saidBy(await chat.messages(places), 'contact').length === 2, 'both are kept');
      });
    }

    it('after the first paragraph: it stays, the customer is told, a person gets the rest', async () => {
      openai.reply(...Array.from({ length: 3 }, () => half('cut', 'One is said.', 'Two is said.')));
      await chat.say(places, 'count');
      const handoff = await waiting(places);
      assert.match(handoff.reasonDetail ?? '', /broke off/);
      await until(async () => chat.heard(places).length === 4, 'the customer was told');
      assert.deepEqual(chat.heard(places).slice(0, 2), ['One is said.', 'Two is said.']);
      assert.match(chat.heard(places)[2] ?? '', TROUBLE);
    });

    it('with handing over switched off: the customer is told, the bot keeps the conversation and answers the next', async () => {
      const alone = await makeBot(test, { name: 'Alone', model: 'openai/gpt-double', handoffEnabled: false });
      const other = await openTelegram(test, telegram, alone.id, 'Alone');
      openai.reply(error(401), says('All is well.'));
      await other.say(places, 'is it there?');
      await until(async () => other.heard(places).length === 1, 'the customer was told');
      assert.match(other.heard(places)[0] ?? '', TROUBLE);
      assert.equal((await other.conversation(places))?.status, 'bot');
      await other.say(places, 'where does the blue parcel live?');
      await until(async () => other.heard(places).length === 2, 'the next is answered');
      assert.equal(other.heard(places)[1], 'All is well.');
    });
  });

  describe('the verdict comes before the text', () => {
    /** The visitor's screen while the model writes: everything it was shown of the bot. */
    async function screen(more: Partial<BotInput> = {}) {
      const own = await makeBot(test, {
        name: 'Shy',
        model: 'openai/gpt-double',
        unknownAnswer: 'I do not know that.',
        handoffEnabled: false,
        ...more,
      });
      const web = await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: own.id });
      const { socket: visitor, conversationId, say } = await visit(test.url, web.data);
      return {
        ask: say,
        shown: () => [
          ...visitor.seen('message:received').flatMap(({ author, text }) => (author.type === 'bot' ? [text] : [])),
          ...visitor.seen('message:chunk').map(({ text }) => text),
        ],
        stored: async () => saidBy(await history(test, conversationId), 'bot'),
        said: (text: string) => visitor.wait('message:received', (message) => message.text === text),
        close: () => visitor.close(),
      };
    }
    const LIE = 'The secret of the house is that there is none.\n\nAnd a second paragraph of it.\n\n';

    it('NO: not a word of what the model writes is shown', async () => {
      const visitor = await screen();
      const written = gate();
      const reply = `{"have_enough_information_for_reply":"NO","reply":${JSON.stringify(LIE)}`;
      openai.reply({ kind: 'answer', steps: [reply, written.opened, ',"citations":[]}'] });
      await visitor.ask('what is the secret?');
      await until(async () => openai.requests.length === 1, 'the model writes');
      await stays(() => visitor.shown().length === 0, 'nothing is shown', 250);
      written.open();
      await visitor.said('I do not know that.');
      assert.deepEqual(await visitor.stored(), ['I do not know that.']);
      assert.equal(visitor.shown().join(' ').includes('secret of the house'), false);
      visitor.close();
    });

    for (const verdict of ['YES', 'NO'] as const) {
      it(`a model that writes its text before its verdict shows nothing until it says ${verdict}`, async () => {
        const visitor = await screen();
        const written = gate();
        openai.reply({
          kind: 'answer',
          steps: [
            `{"reply":${JSON.stringify(LIE)},"citations":[],`,
            written.opened,
            `"have_enough_information_for_reply":"${verdict}"}`,
          ],
        });
        await visitor.ask('what is the secret?');
        await until(async () => openai.requests.length === 1, 'the model writes');
        await stays(() => visitor.shown().length === 0, 'nothing is shown', 250);
        written.open();
        const first = verdict === 'YES' ? 'The secret of the house is that there is none.' : 'I do not know that.';
        await visitor.said(first);
        assert.equal((await visitor.stored())[0], first);
        assert.equal(visitor.shown().join(' ').includes('secret of the house'), verdict === 'YES');
        visitor.close();
      });
    }
  });

  it('YES without a word is no answer: it is asked again, and then the customer is told that nothing was found', async () => {
    const own = await makeBot(test, { name: 'Empty', model: 'openai/gpt-double' });
    const other = await openTelegram(test, telegram, own.id, 'Empty');
    openai.reply(says(''), says('\n\n'), says('[p1]'));
    const before = openai.requests.length;
    await other.say(places, 'where does the blue parcel live?');
    await until(async () => other.heard(places).length === 1, 'the customer was told');
    assert.match(other.heard(places)[0] ?? '', /could not find/);
    assert.equal(openai.requests.length, before + 3);
    assert.equal((await other.conversation(places))?.status, 'bot');
    const traces = await test.owner<Trace[]>('GET', `/bots/${own.id}/traces`);
    assert.match(traces.data[0]?.error ?? '', /^empty: /);
    openai.reply(says(''), says('All is well.'));
    await other.say(places, 'where does the red parcel live?');
    await until(async () => other.heard(places).at(-1) === 'All is well.', 'the second try is the answer');
  });

  it('thoughts and drafts around the reply are not the reply', async () => {
    const own = await makeBot(test, { name: 'Thinker', model: 'openai/gpt-double' });
    const other = await openTelegram(test, telegram, own.id, 'Thinker');
    const reply = (verdict: string, text: string) =>
      JSON.stringify({ have_enough_information_for_reply: verdict, reply: text, citations: [] });
    const around: ModelStep[][] = [
      [`<think>A draft: ${reply('NO', 'A draft.')} {"or not</think>\n`, reply('YES', 'One.')],
      [`Let me try: ${reply('NO', '')} No: \`\`\`json\n`, reply('YES', 'Two.'), '\n```'],
      [reply('NO', ''), `\nOn second thought:\n${reply('YES', 'Three.')}`],
    ];
    openai.reply(...around.map((steps): ModelReply => ({ kind: 'answer', steps })));
    for (const [index, text] of ['One.', 'Two.', 'Three.'].entries()) {
      await other.say(places, `where does the parcel number ${index} live?`);
      await until(async () => other.heard(places).length === index + 1, 'it is said');
      assert.equal(other.heard(places)[index], text);
    }
  });

  describe('a model that does not know', () => {
    const UNKNOWN = 'I do not know that.';
    const cases: [BotInput['typeReplyUnknown'], boolean, (string | RegExp)[]][] = [
      ['INPUT_ANSWER', true, [UNKNOWN, /handing you over/]],
      ['INPUT_ANSWER', false, [UNKNOWN]],
      ['AI_GENERATE', true, ['Made up.']],
      ['AI_GENERATE', false, ['Made up.']],
      ['NO_REPLY', true, []],
      ['NO_REPLY', false, []],
    ];
    for (const [typeReplyUnknown, handoffEnabled, expected] of cases) {
      it(`${typeReplyUnknown}, handing over ${handoffEnabled ? 'on' : 'off'}`, async () => {
        const own = await makeBot(test, {
          name: 'Unsure',
          model: 'openai/gpt-double',
          unknownAnswer: UNKNOWN,
          typeReplyUnknown,
          handoffEnabled,
          missesBeforeHandoff: 0,
        });
        const other = await openTelegram(test, telegram, own.id, `${typeReplyUnknown} ${handoffEnabled}`);
        openai.reply(knowsNot());
        if (typeReplyUnknown === 'AI_GENERATE') openai.reply({ kind: 'answer', steps: replySteps('NO', ['Made up.']) });
        await other.say(places, 'what is the capital of the moon?');
        const status = handoffEnabled && typeReplyUnknown !== 'AI_GENERATE' ? 'waiting' : 'bot';
        const conversation = await other.inStatus(places, status);
        await until(async () => other.heard(places).length >= expected.length, 'the customer heard it');
        // The next answer proves that nothing more came before it.
        if (status === 'bot') {
          openai.reply(says('Next.'));
          await other.say(places, 'where does the blue parcel live?');
          await until(async () => other.heard(places).at(-1) === 'Next.', 'the bot goes on');
        }
        const heard = other.heard(places).filter((text) => text !== 'Next.');
        assert.equal(heard.length, expected.length, heard.join(' | '));
        for (const [index, words] of expected.entries()) assert.match(heard[index] ?? '', new RegExp(words));
        if (status === 'waiting') {
          const handoff = await waiting(places);
          assert.equal(handoff.conversationId, conversation.id);
          assert.equal(handoff.reason, 'BOT_NOT_ENOUGH_DATA');
          assert.equal(handoff.question, 'what is the capital of the moon?');
        }
      });
    }
  });

  const providers: [string, () => ModelDouble, string, ModelReply, number, RegExp][] = [
    ['Anthropic', () => anthropic, 'anthropic/claude-double', error(529), 3, /not reachable/],
    ['Gemini', () => gemini, 'google/gemini-double', error(429, 60), 1, /limits our requests/],
  ];
  for (const [name, double, model, fault, attempts, reason] of providers) {
    it(`${name}: streams, goes on after a cut, and is handed over when it fails`, async () => {
      const own = await makeBot(test, { name, model });
      const other = await openTelegram(test, telegram, own.id, name);
      double().reply(
        half('cut', 'One is said.', 'Two is said.'),
        says('One is said.', 'Two is said.', 'Three is said.'),
      );
      await other.say(places, 'count');
      await until(async () => other.heard(places).length === 3, 'the answer came');
      assert.deepEqual(other.heard(places), ['One is said.', 'Two is said.', 'Three is said.']);
      double().reply(...Array.from({ length: attempts }, () => fault));
      const before = double().requests.length;
      await other.say(places, 'where does the blue parcel live?');
      const handoff = await waiting(places);
      assert.equal(handoff.reason, 'MODEL_FAILED');
      assert.match(handoff.reasonDetail ?? '', reason);
      assert.equal(double().requests.length, before + attempts);
    });
  }

  it('that is down: the breaker opens, and the next customer is handed over without another call', async () => {
    openai.otherwise(error(503));
    await chat.say(places, 'is it there?');
    await waiting(places);
    await chat.say(10_000 + places, 'is it there?');
    await waiting(10_000 + places);
    // Eight good calls stand before these in the window of ten, so the third customer's may still be needed to open it.
    await chat.say(20_000 + places, 'is it there?');
    await waiting(20_000 + places);
    const before = openai.requests.length;
    await chat.say(30_000 + places, 'is it there?');
    const handoff = await waiting(30_000 + places);
    assert.match(handoff.reasonDetail ?? '', /not reachable/);
    assert.equal(openai.requests.length, before);
    const health = await fetch(`${test.url}/health`);
    assert.match(await health.text(), /"open"/);
  });

  it('a stream that is left is cut off at the provider too', async () => {
    const never = gate();
    anthropic.reply(saysInSteps(['One is said.', 'Two is said.', 'Three'], [undefined, never.opened]));
    const own = await makeBot(test, { name: 'Left', model: 'anthropic/claude-double' });
    const other = await openTelegram(test, telegram, own.id, 'Left');
    await other.say(places, 'count');
    const found = await until(
      async () => other.heard(places).length === 1 && (await other.conversation(places)),
      'it speaks',
    );
    await test.owner('POST', `/conversations/${found.id}/take-over`);
    await until(async () => anthropic.requests.at(-1)?.aborted === true, 'the provider’s stream was closed');
  });
});
