import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestApp } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';
import { makeBot } from '../../test/talk.ts';
import type { Inbox } from '@parley/contract';

describe('tokens nobody has', () => {
  let test: TestApp;
  before(async () => {
    test = await startTestApp();
  });
  after(() => test?.close());

  it('cost the database nothing any more once an address has tried many; inboxes that are known go on', async () => {
    const bot = await makeBot(test, { name: 'Robin' });
    const made = await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id });
    const chat = async (token: string): Promise<number> => {
      const answer = await fetch(`${test.url}/chat/${token}`);
      await answer.arrayBuffer();
      return answer.status;
    };
    const webhook = async (token: string): Promise<number> =>
      (await test.anonymous('POST', `/webhooks/telegram/${token}`, {})).status;
    assert.equal(await chat(made.data.token), 200);
    const guess = (round: number, index: number): string => `guess-${round}-${index}`;
    const refused = async (ask: (token: string) => Promise<number>, round: number): Promise<number[]> =>
      Promise.all(Array.from({ length: 100 }, (_unused, index) => ask(guess(round, index))));
    for (let round = 0; round < 20; round += 1) await refused(round % 2 ? chat : webhook, round);
    const answers = [...(await refused(webhook, 20)), ...(await refused(chat, 21))];
    const looked = answers.filter((status) => status === 404).length;
    assert.ok(looked < 100, `${looked} of 200 were looked for`);
    assert.equal(answers.filter((status) => status === 429).length, 200 - looked);
    assert.equal(await chat(made.data.token), 200);
  });
});
