import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Inbox, Queue } from '@parley/contract';
import { features } from './features/index.ts';
import { startTestApp, until } from './test/app.ts';
import type { TestApp } from './test/app.ts';
import { startHttpDouble } from './test/doubles/http-double.ts';
import { history, learn, makeBot, saidBy, visit } from './test/talk.ts';

const without = (name: string) => features.filter((feature) => feature.name !== name);

type Waiting = { type: string; due: string[] | null; handled: boolean; errors: object | null };
const outbox = (test: TestApp): Promise<Waiting[]> =>
  test.app.database.asOwner(
    async (client) =>
      (
        await client.query<Waiting>(
          'select type, due, handled_at is not null as handled, errors from outbox order by seq',
        )
      ).rows,
  );
const allHandled = (test: TestApp): Promise<Waiting[]> =>
  until(async () => {
    const rows = await outbox(test);
    return rows.every(({ handled }) => handled) && rows;
  }, 'every fact is done with');
async function assertNothingFailed(test: TestApp): Promise<void> {
  const { data, status } = await test.owner<Queue[]>('GET', '/queues');
  assert.equal(status, 200);
  assert.ok(data.length > 0);
  for (const { name, counts } of data) assert.equal(counts.failed, 0, name);
}

describe('a feature that is switched off', () => {
  it('the product without webhooks starts and answers a question end to end; its facts are done with', async (context) => {
    const test = await startTestApp({}, { features: without('webhooks') });
    context.after(() => test.close());
    assert.equal((await test.owner('GET', '/webhooks')).status, 404);
    const names = (await test.owner<Queue[]>('GET', '/queues')).data.map(({ name }) => name);
    assert.ok(names.includes('knowledge') && !names.includes('webhooks'), names.join(', '));

    const base = await test.owner<{ id: string }>('POST', '/knowledge-bases', { name: 'Shop' });
    await learn(test, base.data.id, 'When are you open?', 'We are open from nine to five on weekdays.');
    const bot = await makeBot(test, { name: 'Helper', knowledgeBaseIds: [base.data.id] });
    const inbox = await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id });
    const visitor = await visit(test.url, inbox.data);
    context.after(() => visitor.socket.close());
    assert.ok((await visitor.say('When are you open?')).success);
    await until(
      async () =>
        saidBy(await history(test, visitor.conversationId), 'bot').some((text) => text.includes('nine to five')),
      'the bot answers from its knowledge',
    );

    const facts = await allHandled(test);
    assert.ok(
      facts.some(({ type }) => type === 'message.received'),
      facts.map(({ type }) => type).join(', '),
    );
    for (const { due, errors, type } of facts) {
      assert.equal(due?.includes('webhook-events'), false, type);
      assert.equal(errors, null, type);
    }
    await assertNothingFailed(test);
  });

  it('facts that were due for it when it was switched off are done with, and come back to nobody', async (context) => {
    const receiver = await startHttpDouble(async (_request, response) => void response.writeHead(200).end());
    context.after(() => receiver.close());
    // Nobody works on facts here: they are handed to the queue of the webhooks, and stay.
    const test = await startTestApp({ PARLEY_WEBHOOKS_PRIVATE: '1', PARLEY_ROLES: 'api,worker:turn' });
    context.after(() => test.close());
    const made = await test.owner('POST', '/webhooks', { url: `${receiver.url}/hook`, events: [] });
    assert.equal(made.status, 201, JSON.stringify(made.error));
    const inbox = await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: null });
    const visitor = await visit(test.url, inbox.data);
    assert.ok((await visitor.say('Is anybody there?')).success);
    visitor.socket.close();
    const dueToWebhooks = async () => (await outbox(test)).filter(({ due }) => due?.includes('webhook-events'));
    await until(async () => (await dueToWebhooks()).length > 0, 'facts are due for the webhooks');
    assert.ok((await dueToWebhooks()).every(({ handled }) => !handled));

    await test.restart({ env: { PARLEY_ROLES: 'api,worker' }, features: without('webhooks') });
    await test.app.database.asOwner((client) =>
      client.query("update outbox set relayed_at = relayed_at - interval '2 minutes'"),
    );
    await allHandled(test);
    assert.deepEqual(await dueToWebhooks(), []);
    await assertNothingFailed(test);
  });
});
