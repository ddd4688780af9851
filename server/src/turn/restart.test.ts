import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Conversation, Handoff, Inbox, Message, SessionCreated } from '@parley/contract';
import { connect, OWNER, until } from '../test/app.ts';
import type { Call } from '../test/app.ts';
import { startOpenAiDouble } from '../test/doubles/openai.ts';
import type { ModelDouble } from '../test/doubles/model-script.ts';
import { startTelegramDouble } from '../test/doubles/telegram.ts';
import type { TelegramDouble } from '../test/doubles/telegram.ts';
import { freePort, startParley } from '../test/process.ts';
import type { ParleyProcess } from '../test/process.ts';
import {
  assertGapless,
  gate,
  history,
  makeBot,
  openTelegram,
  ownerOf,
  saidBy,
  says,
  saysInSteps,
  visit,
} from '../test/talk.ts';
import type { Chat } from '../test/talk.ts';
import { copyEmbeddedTemplate } from '../test/template.ts';

const PARAGRAPHS = [
  'The first paragraph is about the parcel.',
  'The second paragraph is about the refund.',
  'The third paragraph is about the voucher.',
];

/** Invariant 5: the real process, killed in the middle of its words. */
describe('a restart in the middle of an answer', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-restart-'));
  const running = { url: '', owner: (async () => Promise.reject(new Error('not started'))) as Call };
  let telegram: TelegramDouble;
  let model: ModelDouble;
  let parley: ParleyProcess;
  let env: Record<string, string>;
  let chat: Chat;
  let web: Inbox;

  async function start(): Promise<void> {
    parley = await startParley(env);
    running.url = parley.url;
    running.owner = await ownerOf(parley.url, OWNER);
  }

  before(async () => {
    [telegram, model] = await Promise.all([startTelegramDouble(), startOpenAiDouble()]);
    await copyEmbeddedTemplate(dataDir);
    env = {
      DATA_DIR: dataDir,
      PORT: String(await freePort()),
      PARLEY_DEMO: '0',
      PARLEY_OWNER_EMAIL: OWNER.email,
      PARLEY_OWNER_PASSWORD: OWNER.password,
      CHANNEL_TELEGRAM_API_URL: telegram.url,
      OPENAI_BASE_URL: model.url,
      OPENAI_API_KEY: 'key',
    };
    await start();
    const bot = await makeBot(running, { name: 'Robin', model: 'openai/gpt-double' });
    chat = await openTelegram(running, telegram, bot.id);
    web = (await running.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
  });
  after(async () => {
    await parley?.end('SIGKILL');
    await Promise.all([telegram?.close(), model?.close()]);
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** A customer on Telegram and a visitor, both in the middle of an answer; then the process ends, and starts again. */
  async function interrupt(n: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const never = gate();
    model.otherwise(saysInSteps(PARAGRAPHS, [undefined, never.opened]));
    const asked = model.requests.length;
    await chat.say(n, 'tell me everything');
    const { socket: visitor, conversationId, token, say } = await visit(running.url, web, `Visitor ${n}`);
    await say('tell me everything', 'once');
    await visitor.wait('message:received', ({ text }) => text === PARAGRAPHS[1]);
    // Acknowledged, so that the double and the table agree: between the two nobody can know what the platform has.
    await until(
      async () => (await chat.messages(n)).some(({ text, status }) => text === PARAGRAPHS[0] && status === 'sent'),
      'the first paragraph is delivered',
    );
    // Arrives while the bot speaks; nobody has looked at it when the process ends.
    await chat.say(n, 'and what about the weather?');

    const code = await parley.end(signal);
    visitor.close();
    assert.deepEqual(chat.heard(n), PARAGRAPHS.slice(0, 1));
    const before = model.requests.length;
    // The worst model: it starts its answer over as if nobody had read a word.
    model.otherwise((request) =>
      JSON.stringify(request.body).includes('weather?') ? says('It is sunny.') : says(...PARAGRAPHS),
    );
    await start();

    await until(async () => chat.heard(n).length >= 4, 'the answers are complete on Telegram');
    assert.deepEqual(chat.heard(n), [...PARAGRAPHS, 'It is sunny.']);
    const messages = await chat.messages(n);
    assertGapless(messages);
    assert.deepEqual(saidBy(messages, 'bot'), [...PARAGRAPHS, 'It is sunny.']);
    assert.deepEqual(saidBy(messages, 'contact'), ['tell me everything', 'and what about the weather?']);

    // The visitor comes back and reads on after the last message it saw.
    const returned = await connect(running.url, { inbox: web.token, visitor: token });
    const again = await returned.call<SessionCreated>('customer:start_chat');
    assert.ok(again.success);
    assert.equal(again.data.conversationId, conversationId);
    const shown = await until(async () => {
      const all = await history(running, conversationId);
      return saidBy(all, 'bot').length >= 3 && all;
    }, 'the answer is complete for the visitor');
    assertGapless(shown);
    assert.deepEqual(saidBy(shown, 'bot'), PARAGRAPHS);
    const ofBot = shown.filter(({ author }) => author.type === 'bot');
    assert.equal(new Set(ofBot.map(({ turnId }) => turnId)).size, 1, 'one turn, continued');
    assert.deepEqual(
      ofBot.map(({ ordinal }) => ordinal),
      [0, 1, 2],
    );
    const third = ofBot[2];
    const missed = await returned.call<{ messages: { text: string }[] }>('customer:resume', {
      conversationId,
      after: (third?.seq ?? 1) - 1,
    });
    assert.ok(missed.success);
    assert.equal(missed.data.messages[0]?.text, PARAGRAPHS[2]);
    returned.close();
    const continued = model.requests.slice(before).map(({ body }) => JSON.stringify(body));
    assert.ok(continued.some((body) => body.includes('already_sent') && body.includes('about the parcel')));
    assert.ok(model.requests.length > asked);
    return code;
  }

  it('kill -9: the answer is complete afterwards and no paragraph is said twice', async () => {
    assert.equal(await interrupt(1, 'SIGKILL'), null);
  });

  it('SIGTERM: the process ends by itself, and the answer goes on after the restart', async (t) => {
    assert.equal(await interrupt(2, 'SIGTERM'), 0);
    t.diagnostic(`ready after ${Math.round(parley.readyAfterMs)} ms`);
  });

  it('kill -9 right after a handoff: one handoff, one closing text, everything still there', async () => {
    model.otherwise(says('unused'));
    await chat.say(3, 'I want to talk to a human');
    await until(async () => chat.heard(3).some((text) => /number 1/.test(text)), 'the customer was told their place');
    // Telegram has no key that makes a repeat harmless: only what is recorded as sent is surely sent once.
    await until(async () => {
      const { data } = await running.owner<Conversation[]>('GET', '/conversations?status=waiting');
      const sent = await running.owner<Message[]>('GET', `/conversations/${data[0]?.id}/messages`);
      return sent.data.some((message) => message.author.type === 'bot' && message.status === 'sent');
    }, 'the closing text is recorded as sent');
    await parley.end('SIGKILL');
    await start();
    const queue = (await running.owner<Handoff[]>('GET', '/handoffs')).data;
    assert.equal(queue.length, 1);
    assert.equal(chat.heard(3).length, 1);
    const { data } = await running.owner<Conversation[]>('GET', '/conversations?limit=100');
    assert.equal(data.length, 5, 'everything is still there');
  });
});
