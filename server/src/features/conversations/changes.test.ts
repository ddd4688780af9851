import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Bot, Conversation, Inbox, SessionCreated } from '@parley/contract';
import { connect, startTestApp, until } from '../../test/app.ts';
import type { TestApp, TestSocket } from '../../test/app.ts';
import { handoffMetrics } from '../handoffs/metrics.ts';

/** What everybody concerned is told of a change, whoever made it: a person, the customer, the clock, or a failure. */
describe('changes of a conversation', () => {
  let test: TestApp;
  let web: Inbox;
  let agent: TestSocket;

  before(async () => {
    test = await startTestApp();
    const bot = (await test.owner<Bot>('POST', '/bots', { name: 'Robin' })).data;
    web = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
    agent = await connect(test.url, { token: test.ownerToken });
    await agent.call('agent:join', {});
  });
  after(async () => {
    agent?.close();
    await test?.close();
  });

  async function begin(): Promise<{ visitor: TestSocket; conversationId: string }> {
    const visitor = await connect(test.url, { inbox: web.token });
    const started = await visitor.call<SessionCreated>('customer:start_chat', { name: 'Maria' });
    assert.ok(started.success);
    const { conversationId } = started.data;
    await agent.call('conversation:subscribe', { conversationId });
    return { visitor, conversationId };
  }

  it('by the customer, who ends it: colleagues who look at it are told, as the customer is', async () => {
    const { visitor, conversationId } = await begin();
    await visitor.call('customer:send_message', { conversationId, text: 'I want to talk to a human', clientId: 'c1' });
    await visitor.wait('status:changed', ({ status }) => status === 'waiting');
    await visitor.call('customer:end_chat', { conversationId });
    for (const socket of [visitor, agent]) {
      await socket.wait(
        'status:changed',
        (change) => change.conversationId === conversationId && change.status === 'resolved',
      );
      await socket.wait('session:closed', (closed) => closed.conversationId === conversationId);
    }
    await agent.wait('conversation:updated', (row) => row.id === conversationId && row.status === 'resolved');
    visitor.close();
  });

  it('by the clock: the end of a snooze moves it for everybody', async () => {
    const { visitor, conversationId } = await begin();
    await test.owner('POST', `/conversations/${conversationId}/take-over`);
    await visitor.wait('session:assigned', ({ agentName }) => agentName !== '');
    const soon = new Date(Date.now() + 500).toISOString();
    const snoozed = await test.owner<Conversation>('POST', `/conversations/${conversationId}/snooze`, { until: soon });
    assert.equal(snoozed.data.status, 'snoozed');
    await visitor.wait('status:changed', ({ status }) => status === 'snoozed');
    const before = [visitor, agent].map((socket) => socket.seen('status:changed').length);
    await visitor.wait('message:received', ({ event }) => event === 'conversation.woke_up');
    for (const [index, socket] of [visitor, agent].entries())
      await until(
        async () =>
          socket
            .seen('status:changed')
            .slice(before[index])
            .find(({ status }) => status === 'agent'),
        'the state is told',
      );
    visitor.close();
  });

  it('by a failure: a turn that is dead-lettered into the queue notifies colleagues and counts a handoff', async () => {
    const { visitor, conversationId } = await begin();
    const counted = async (): Promise<number> => {
      const { values } = await test.app.metrics.of(handoffMetrics).handoffs.get();
      return values.find(({ labels }) => labels.reason === 'MODEL_FAILED')?.value ?? 0;
    };
    const before = await counted();
    // It names a file that is gone: storing it fails, today and tomorrow.
    await test.app.database.asOwner((client) =>
      client.query(
        `insert into inbound_events (id, workspace_id, inbox_id, thread_key, platform_id, kind, payload, received_at)
         select gen_random_uuid(), c.workspace_id, c.inbox_id, t.thread_key, 'poison', 'message', jsonb_build_object('kind', 'message',
           'text', 'x', 'media', '[]'::jsonb, 'attachmentIds', jsonb_build_array(gen_random_uuid()),
           'sender', jsonb_build_object('externalId', t.thread_key)), now() - interval '5 seconds'
         from conversations c join threads t on t.id = c.thread_id where c.id = $1`,
        [conversationId],
      ),
    );
    await until(
      async () => agent.seen('notification').find((told) => told.conversationId === conversationId),
      'colleagues are notified',
      40_000,
    );
    assert.equal(await counted(), before + 1);
    await visitor.wait('status:changed', ({ status }) => status === 'waiting');
    visitor.close();
  });

  it('of presence: one event for one change', async () => {
    await test.owner('PATCH', '/me/presence', { presence: 'idle' });
    await agent.wait('presence:changed', ({ presence }) => presence === 'idle');
    assert.equal(agent.seen('presence:changed').filter(({ presence }) => presence === 'idle').length, 1);
  });
});
