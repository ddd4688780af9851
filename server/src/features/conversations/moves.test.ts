import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Bot, ConversationStatus, Inbox } from '@parley/contract';
import { connect, startTestApp, until } from '../../test/app.ts';
import type { TestApp, TestSocket } from '../../test/app.ts';
import { visit } from '../../test/talk.ts';
import type { Visit } from '../../test/talk.ts';

type Way = {
  by: string;
  act(): Promise<unknown>;
  status: ConversationStatus;
  /** a colleague has it then, by name */
  assigned?: true;
  /** colleagues are asked to come */
  notified?: string;
};

/** Whoever moves a conversation to another state, and whichever way: agents and the visitor are told the same of it. */
describe('moves of a conversation', () => {
  let test: TestApp;
  let agent: TestSocket;
  let visitor: Visit;

  before(async () => {
    test = await startTestApp();
    const bot = (await test.owner<Bot>('POST', '/bots', { name: 'Robin' })).data;
    const web = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
    agent = await connect(test.url, { token: test.ownerToken });
    await agent.call('agent:join', {});
    visitor = await visit(test.url, web, 'Maria');
    await agent.call('conversation:subscribe', { conversationId: visitor.conversationId });
  });
  after(async () => {
    visitor?.socket.close();
    agent?.close();
    await test?.close();
  });

  const ask = (action: string, body?: unknown) =>
    test.owner('POST', `/conversations/${visitor.conversationId}/${action}`, body);
  const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString();
  const soon = () => new Date(Date.now() + 500).toISOString();

  /** What a platform posted a while ago, whose wake was lost. */
  const arrived = (platformId: string, event: Record<string, unknown>) =>
    test.app.database.asOwner((client) =>
      client.query(
        `insert into inbound_events (id, workspace_id, inbox_id, thread_key, platform_id, kind, payload, received_at)
         select gen_random_uuid(), c.workspace_id, c.inbox_id, t.thread_key, $2, $3::jsonb->>'kind', $3::jsonb ||
           jsonb_build_object('sender', jsonb_build_object('externalId', t.thread_key)), now() - interval '5 seconds'
         from conversations c join threads t on t.id = c.thread_id where c.id = $1`,
        [visitor.conversationId, platformId, JSON.stringify(event)],
      ),
    );
  const echo = { kind: 'echo', messageId: 'echo-1', type: 'text', text: 'From my phone', media: [] };
  // It names a file that is gone: storing it fails, today and tomorrow.
  const poison = { kind: 'message', text: 'x', media: [], attachmentIds: ['00000000-0000-7000-8000-000000000000'] };

  // Each begins where the one before ended.
  const ways: Way[] = [
    {
      by: 'the bot, which hands over',
      act: () => visitor.say('I want to talk to a human'),
      status: 'waiting',
      notified: 'CUSTOMER_REQUEST',
    },
    {
      by: 'an agent, who picks it up',
      act: () => agent.call('agent:pickup_session', { conversationId: visitor.conversationId }),
      status: 'agent',
      assigned: true,
    },
    { by: 'an agent, who gives it back', act: () => ask('return-to-bot'), status: 'bot' },
    { by: 'an agent, who takes over', act: () => ask('take-over'), status: 'agent', assigned: true },
    { by: 'an agent, who snoozes it', act: () => ask('snooze', { until: tomorrow() }), status: 'snoozed' },
    { by: 'the customer, who wakes it', act: () => visitor.say('Still there?'), status: 'agent', assigned: true },
    { by: 'the clock', act: () => ask('snooze', { until: soon() }), status: 'agent', assigned: true },
    { by: 'an agent, who resolves it', act: () => ask('resolve'), status: 'resolved' },
    { by: 'an agent, who reopens it', act: () => ask('reopen'), status: 'agent', assigned: true },
    { by: 'an agent, who gives it back again', act: () => ask('return-to-bot'), status: 'bot' },
    { by: 'a colleague in the platform’s own app', act: () => arrived('echo-1', echo), status: 'agent' },
    { by: 'an agent, who gives it back once more', act: () => ask('return-to-bot'), status: 'bot' },
    {
      by: 'a message that cannot be processed',
      act: () => arrived('poison', poison),
      status: 'waiting',
      notified: 'MODEL_FAILED',
    },
    {
      by: 'the customer, who ends it',
      act: () => visitor.socket.call('customer:end_chat', { conversationId: visitor.conversationId }),
      status: 'resolved',
    },
  ];

  for (const { by, act, status, assigned, notified } of ways)
    it(`by ${by}: ${status}`, async () => {
      const { conversationId } = visitor;
      const names = [
        'status:changed',
        'session:assigned',
        'session:closed',
        'conversation:updated',
        'queue:update',
        'notification',
      ] as const;
      const sockets = { agent, visitor: visitor.socket };
      const counts = Object.values(sockets).map((socket) => names.map((name) => socket.seen(name).length));
      const since = <N extends (typeof names)[number]>(who: keyof typeof sockets, name: N) =>
        sockets[who].seen(name).slice(counts[who === 'agent' ? 0 : 1]?.[names.indexOf(name)]);
      await act();
      const patience = notified === 'MODEL_FAILED' ? 40_000 : 20_000;
      const told = (what: string, look: () => boolean) => until(async () => look(), what, patience);

      for (const who of ['agent', 'visitor'] as const) {
        const changed = () =>
          since(who, 'status:changed').find(
            (change) => change.conversationId === conversationId && change.status === status,
          );
        await told(`status:changed for the ${who}`, () => changed() !== undefined);
        assert.equal(changed()?.position, status === 'waiting' ? 1 : undefined);
        assert.equal(changed()?.agentName !== undefined, assigned === true);
        if (assigned) await told(`session:assigned for the ${who}`, () => since(who, 'session:assigned').length > 0);
        if (status === 'resolved')
          await told(`session:closed for the ${who}`, () => since(who, 'session:closed').length > 0);
      }
      await told('conversation:updated', () =>
        since('agent', 'conversation:updated').some((row) => row.id === conversationId && row.status === status),
      );
      await told('queue:update', () =>
        since('agent', 'queue:update').some(
          ({ handoffs }) => handoffs.some((one) => one.conversationId === conversationId) === (status === 'waiting'),
        ),
      );
      if (notified)
        await told('notification', () => since('agent', 'notification').some(({ kind }) => kind === notified));
      for (const name of ['session:assigned', 'session:closed', 'notification'] as const) {
        const due = { 'session:assigned': assigned, 'session:closed': status === 'resolved', notification: notified };
        if (!due[name]) assert.deepEqual([since('agent', name), since('visitor', name)], [[], []]);
      }
      for (const name of ['conversation:updated', 'queue:update', 'notification'] as const)
        assert.deepEqual(since('visitor', name), []);
    });
});
