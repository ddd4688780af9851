import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Inbox } from '@parley/contract';
import { startTestApp, until } from '../test/app.ts';
import type { TestApp } from '../test/app.ts';
import type { ModelDouble } from '../test/doubles/model-script.ts';
import { startOpenAiDouble } from '../test/doubles/openai.ts';
import { startTelegramDouble } from '../test/doubles/telegram.ts';
import type { TelegramDouble } from '../test/doubles/telegram.ts';
import { filled } from '../test/scaling/scaling.ts';
import { gate, history, makeBot, openTelegram, saidBy, says, saysInSteps, visit } from '../test/talk.ts';

/** Whoever floods waits for their own flood; everybody else is answered as ever. Order is what is looked at, not time. */
describe('a flood of one person', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let openai: ModelDouble;
  let site: Inbox;
  let botId: string;
  const release = gate();

  before(async () => {
    [telegram, openai] = await Promise.all([startTelegramDouble(), startOpenAiDouble()]);
    openai.otherwise(({ body }) =>
      JSON.stringify(body).includes('_a_a_a')
        ? saysInSteps(['Slowly.', 'Done.'], [release.opened])
        : says('Somebody is here.'),
    );
    test = await startTestApp({
      CHANNEL_TELEGRAM_API_URL: telegram.url,
      OPENAI_BASE_URL: openai.url,
      OPENAI_API_KEY: 'key',
    });
    botId = (await makeBot(test, { name: 'Robin', model: 'openai/gpt-double' })).id;
    site = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId })).data;
  });
  after(async () => {
    release.open();
    await test?.close();
    await Promise.all([telegram?.close(), openai?.close()]);
  });

  it('of 200 heavy messages: a neighbour’s question is answered before the flood is', async () => {
    const chat = await openTelegram(test, telegram, botId);
    const heavy = filled('_a', 4_000);
    await Promise.all(Array.from({ length: 200 }, () => chat.say(1, heavy)));
    const neighbour = await visit(test.url, site, 'Maria');
    await neighbour.say('Is somebody there?');
    const answers = async () => saidBy(await history(test, neighbour.conversationId), 'bot');
    await until(async () => (await answers()).includes('Somebody is here.'), 'the neighbour is answered');
    assert.equal(chat.heard(1).includes('Done.'), false, 'the flood was not over');
    release.open();
    const stored = async () => saidBy(await chat.messages(1), 'contact').length === 200;
    await until(stored, 'nothing of the flood is lost', 60_000);
    neighbour.socket.close();
  });

  it('from a web page is refused after thirty messages at once, and only its own', async () => {
    const flooder = await visit(test.url, site, 'Flooder');
    const neighbour = await visit(test.url, site, 'Maria');
    const replies = await Promise.all(Array.from({ length: 200 }, (_, index) => flooder.say('hello', `${index}`)));
    const refused = replies.filter((reply) => !reply.success);
    assert.ok(refused.length >= 150, `${refused.length} were refused`);
    assert.equal((await neighbour.say('Is somebody there?')).success, true);
    for (const { socket } of [flooder, neighbour]) socket.close();
  });
});
