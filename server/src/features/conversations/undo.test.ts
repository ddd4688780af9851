import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Bot, Conversation, Handoff, Inbox, MovedConversation } from '@parley/contract';
import { connect, startTestApp, until } from '../../test/app.ts';
import type { Call, TestApp, TestSocket } from '../../test/app.ts';
import { history, visit } from '../../test/talk.ts';
import type { Visit } from '../../test/talk.ts';
import { join } from '../../test/security/world.ts';

/** An undo is no second move: everything is as it was, and nothing tells of either. */
describe('the undo of a move', () => {
  let test: TestApp;
  let web: Inbox;
  let agent: TestSocket;
  let colleague: Call;

  before(async () => {
    test = await startTestApp({ PARLEY_TEST_CLOCK: '1' });
    const bot = (await test.owner<Bot>('POST', '/bots', { name: 'Robin' })).data;
    web = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
    agent = await connect(test.url, { token: test.ownerToken });
    await agent.call('agent:join', {});
    colleague = (await join(test, test.owner, 'colleague@acme.test', 'agent')).call;
  });
  after(async () => {
    agent?.close();
    await test?.close();
  });

  const read = async (id: string) => (await test.owner<Conversation>('GET', `/conversations/${id}`)).data;
  const queue = async () => (await test.owner<Handoff[]>('GET', '/handoffs')).data;
  async function move(id: string, action: string, body?: unknown): Promise<string> {
    const moved = await test.owner<MovedConversation>('POST', `/conversations/${id}/${action}`, body);
    assert.equal(moved.status, 200, JSON.stringify(moved.error));
    return moved.data.undoId;
  }
  const undo = (id: string, undoId: string, by: Call = test.owner) =>
    by<Conversation>('POST', `/conversations/${id}/undo`, { undoId });
  const later = () => new Date(Date.now() + 86_400_000).toISOString();
  async function waiting(name: string): Promise<Visit> {
    const visitor = await visit(test.url, web, name);
    await visitor.say('I want to talk to a human');
    await visitor.socket.wait('status:changed', ({ status }) => status === 'waiting');
    return visitor;
  }
  /** What others were told of a conversation's moves, taken back or not. */
  const facts = (id: string): Promise<string[]> =>
    test.app.database.asOwner(async (client) => {
      const { rows } = await client.query<{ type: string }>(
        "select type from outbox where subject_id = $1 and type like 'conversation.%' order by seq",
        [id],
      );
      return rows.map(({ type }) => type);
    });
  /** All that a move may change. */
  async function standing(id: string) {
    const { lastSeq: _lastSeq, window: _window, ...conversation } = await read(id);
    return { conversation, messages: await history(test, id), queue: await queue() };
  }

  it('restores state, owner, place in the queue and words, whatever the move was', async () => {
    const first = await waiting('First');
    const second = await waiting('Second');
    const id = first.conversationId;
    await agent.call('conversation:subscribe', { conversationId: id });
    const moves = [['resolve'], ['snooze', { until: later() }], ['return-to-bot'], ['take-over']] as const;
    for (const [action, body] of moves) {
      const before = await standing(id);
      assert.deepEqual(
        before.queue.map(({ contact }) => contact.name),
        ['First', 'Second'],
      );
      const undoId = await move(id, action, body);
      const line = (await history(test, id)).at(-1);
      const undone = await undo(id, undoId);
      assert.equal(undone.status, 200, JSON.stringify(undone.error));
      assert.equal(undone.data.status, 'waiting');
      assert.deepEqual(await standing(id), before, action);
      for (const socket of [agent, first.socket])
        await socket.wait('message:updated', (told) => told.id === line?.id && told.deleted);
      await first.socket.wait('status:changed', ({ status, position }) => status === 'waiting' && position === 1);
      assert.equal((await undo(id, undoId)).status, 404, 'it is used up');
    }
    // What was handed on before the undo is taken back by a fact of its own; what was not is told to nobody.
    const told = await facts(id);
    const isUndone = (type: string) => type === 'conversation.move_undone';
    assert.equal(told.filter(isUndone).length, told.filter((type) => !isUndone(type)).length, told.join());
    assert.ok(!told.includes('conversation.reopened'));
    assert.deepEqual(
      (await history(test, id)).filter(({ author }) => author.type === 'agent'),
      [],
    );
    await test.owner('POST', `/conversations/${id}/take-over`);
    const owned = await standing(id);
    for (const [action, body] of [
      ['snooze', { until: later() }],
      ['resolve'],
      ['assign', { agentId: null }],
    ] as const) {
      await undo(id, await move(id, action, body));
      assert.deepEqual(await standing(id), owned, action);
    }
    for (const { socket } of [first, second]) socket.close();
  });

  it('is for whoever made the move, and says what came in between', async () => {
    const visitor = await waiting('Third');
    const id = visitor.conversationId;
    const undoId = await move(id, 'snooze', { until: later() });
    assert.equal((await undo(id, undoId, colleague)).status, 404);
    await visitor.say('Are you there?');
    await until(async () => (await read(id)).status === 'agent', 'the customer wakes it');
    const late = await undo(id, undoId);
    assert.equal(late.status, 409);
    assert.match(late.error?.message ?? '', /The customer has written meanwhile/);
    const noted = await move(id, 'resolve');
    await test.owner('POST', `/conversations/${id}/messages`, { text: 'Called them.', private: true });
    assert.match((await undo(id, noted)).error?.message ?? '', /has written meanwhile/);
    visitor.socket.close();
  });

  it('ends after half a minute', async () => {
    const visitor = await waiting('Fourth');
    const undoId = await move(visitor.conversationId, 'resolve');
    await test.owner('POST', '/internal/clock', { now: new Date(Date.now() + 31_000).toISOString() });
    const late = await undo(visitor.conversationId, undoId);
    assert.equal(late.status, 409);
    assert.match(late.error?.message ?? '', /too late/);
    visitor.socket.close();
  });
});
