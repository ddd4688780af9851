import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Bot, Conversation, ConversationCounts, Handoff, Inbox, SessionCreated } from '@parley/contract';
import { connect, startTestApp, until } from '../../test/app.ts';
import type { TestApp, TestSocket } from '../../test/app.ts';
import { visit } from '../../test/talk.ts';

const WAITING = 450;
const RESOLVED = 700;

/** A long day: more wait than an event tells of, and more is done than a page shows. */
describe('a long queue', () => {
  let test: TestApp;
  let web: Inbox;
  let agent: TestSocket;

  /** Conversations as an earlier day left them, each in its own thread; `ago` is how long it waited or was resolved. */
  const fill = (status: 'waiting' | 'resolved', many: number) =>
    test.app.database.asOwner(async (client) => {
      await client.query(
        `with made as (
           select gen_random_uuid() as id, n from generate_series(1, $3::int) n
         ), p as (
           insert into contacts (id, workspace_id, name) select m.id, i.workspace_id, 'Waiting ' || m.n from made m, inboxes i where i.id = $1
         ), t as (
           insert into threads (id, workspace_id, inbox_id, thread_key)
           select m.id, i.workspace_id, i.id, m.id::text from made m, inboxes i where i.id = $1
         ), c as (
           insert into conversations (id, workspace_id, inbox_id, thread_id, contact_id, status)
           select m.id, i.workspace_id, i.id, m.id, m.id, $2 from made m, inboxes i where i.id = $1
         )
         insert into handoffs (id, workspace_id, conversation_id, reason, waiting_since, place)
         select gen_random_uuid(), i.workspace_id, m.id, 'CUSTOMER_REQUEST', now() - make_interval(secs => 3600 - n), n
         from made m, inboxes i where i.id = $1 and $2 = 'waiting'`,
        [web.id, status, many],
      );
    });
  const counts = async () => (await test.owner<ConversationCounts>('GET', '/conversations/counts')).data;

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

  /** Somebody who asks for a person, and what their page is told of it. */
  async function ask(name: string): Promise<{ conversationId: string; told: SessionCreated; close(): void }> {
    const visitor = await visit(test.url, web, name);
    const { conversationId } = visitor;
    await visitor.say('I want to talk to a human');
    await visitor.socket.wait('status:changed', ({ status }) => status === 'waiting');
    const back = await connect(test.url, { inbox: web.token, visitor: visitor.token });
    const answer = await back.call<SessionCreated>('customer:start_chat', {});
    assert.ok(answer.success, JSON.stringify(answer));
    back.close();
    return { conversationId, told: answer.data, close: () => visitor.socket.close() };
  }

  it('says nothing of the wait while too few are known, then a range that does not grow while one waits', async () => {
    const first = await ask('First');
    assert.deepEqual([first.told.position, first.told.expectedWait, first.told.expectedWaitSeconds], [1, null, null]);
    // Those who were picked up waited 1 to 8 minutes for each place.
    const pickedUp = (minutes: number[]) =>
      test.app.database.asOwner((client) =>
        client.query(
          `insert into handoffs (id, workspace_id, conversation_id, reason, status, place, waiting_since, picked_up_at)
           select gen_random_uuid(), c.workspace_id, c.id, 'CUSTOMER_REQUEST', 'closed', 2,
             now() - make_interval(mins => 10 + 2 * m), now() - make_interval(mins => 10)
           from conversations c, unnest($2::int[]) m where c.id = $1`,
          [first.conversationId, minutes],
        ),
      );
    await pickedUp([1, 2, 3, 4, 5, 6, 7, 8]);
    const second = await ask('Second');
    assert.deepEqual(
      [second.told.position, second.told.expectedWait, second.told.expectedWaitSeconds],
      [2, { minSeconds: 540, maxSeconds: 750 }, 645],
    );
    await pickedUp(Array.from({ length: 20 }, () => 60));
    const { data } = await test.owner<Handoff[]>('GET', '/handoffs');
    assert.deepEqual(
      data.map(({ expectedWait }) => expectedWait?.maxSeconds ?? null),
      [null, 750],
    );
    for (const { conversationId, close } of [first, second]) {
      await test.owner('POST', `/conversations/${conversationId}/resolve`);
      close();
    }
  });

  it('counts all of it, by view and inbox, as the lists have it', async () => {
    await fill('resolved', RESOLVED);
    const mine = await visit(test.url, web, 'Mine');
    await test.owner('POST', `/conversations/${mine.conversationId}/take-over`);
    const other = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Other', channel: 'web' })).data;
    const asleep = await visit(test.url, other, 'Asleep');
    const until1 = new Date(Date.now() + 3_600_000).toISOString();
    await test.owner('POST', `/conversations/${asleep.conversationId}/snooze`, { until: until1 });
    await fill('waiting', WAITING);

    const { waitingSince, inboxes, ...all } = await counts();
    const expected = {
      ...{ mine: 1, unassigned: WAITING, waiting: WAITING, bot: 0, agent: 1, snoozed: 1, resolved: RESOLVED + 2 },
      ...{ open: WAITING + 1, all: WAITING + RESOLVED + 4 },
    };
    assert.deepEqual(all, expected);
    assert.ok(waitingSince && Date.now() - Date.parse(waitingSince) > 3_500_000);
    const zero = Object.fromEntries(Object.keys(all).map((view) => [view, 0]));
    assert.deepEqual(
      inboxes.find(({ inboxId }) => inboxId === other.id),
      { ...zero, snoozed: 1, all: 1, inboxId: other.id },
    );
    assert.equal(inboxes.find(({ inboxId }) => inboxId === web.id)?.waiting, WAITING);
    mine.socket.close();
    asleep.socket.close();
  });

  it('is read to its end by cursor, in order, with the place of each', async () => {
    const shown: Handoff[] = [];
    let cursor = '';
    do {
      const page = await test.owner<Handoff[]>('GET', `/handoffs?limit=100${cursor && `&cursor=${cursor}`}`);
      assert.equal(page.meta?.total, WAITING);
      shown.push(...page.data);
      const next = page.meta?.nextCursor;
      cursor = typeof next === 'string' ? next : '';
    } while (cursor !== '');
    assert.deepEqual(
      shown.map(({ position, contact }) => [position, contact.name]),
      Array.from({ length: WAITING }, (_, index) => [index + 1, `Waiting ${index + 1}`]),
    );
    assert.equal((await test.owner('GET', '/handoffs?cursor=nonsense')).status, 400);
  });

  it('tells whoever is far behind the same as the others, at once and as they move up', async () => {
    const visitor = await visit(test.url, web, 'Far behind');
    await visitor.say('I want to talk to a human');
    const place = (position: number) =>
      visitor.socket.wait('status:changed', (told) => told.status === 'waiting' && told.position === position);
    await place(WAITING + 1);
    const told = await agent.wait('queue:update', ({ total }) => total === WAITING + 1);
    assert.equal(told.handoffs.length, 200);
    const { data: queue } = await test.owner<Handoff[]>('GET', '/handoffs?limit=1');
    await test.owner('POST', `/handoffs/${queue[0]?.id}/pick-up`);
    await place(WAITING);
    visitor.socket.close();
  });

  it('says by socket and by REST who has what somebody else took', async () => {
    const { data: queue } = await test.owner<Handoff[]>('GET', '/handoffs?limit=1');
    const { conversationId, id } = queue[0] ?? { conversationId: '', id: '' };
    await test.owner('POST', `/handoffs/${id}/pick-up`);
    const owner = (await test.owner<Conversation>('GET', `/conversations/${conversationId}`)).data.assignee?.name;
    const bySocket = await agent.call('agent:pickup_session', { conversationId });
    const byRest = await test.owner('POST', `/handoffs/${id}/pick-up`);
    assert.equal(byRest.status, 409);
    for (const error of [byRest.error, bySocket.success ? undefined : bySocket.error]) {
      assert.equal(error?.code, 'already_taken');
      assert.deepEqual(error?.details, [{ field: 'assignee', message: owner }]);
    }
    await until(async () => (await counts()).waiting === WAITING - 1, 'the counts follow');
  });
});
