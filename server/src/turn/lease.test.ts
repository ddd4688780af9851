import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { append, appendOnce } from '../features/messages/commands.ts';
import { newId } from '../platform/data/ids.ts';
import { recordFacts } from '../platform/facts/record.ts';
import { createRelay } from '../platform/facts/relay.ts';
import { createWake } from '../platform/cluster/wake.ts';
import { things } from '../test/facts.ts';
import { openThreads } from '../test/threads.ts';
import type { Threads } from '../test/threads.ts';
import { finishTurn } from './finish.ts';
import { claimThread, postponeThread, releaseThread, renewThread } from './lease.ts';
import { readMailbox } from './threads.ts';
import type { ThreadKey } from './threads.ts';

/** Invariant 2, and 4 beside it, on the database alone: two holders as two processes would be. */
describe('the lease of a thread', () => {
  const bot = { type: 'bot' as const, id: null, name: 'Robin' };
  let threads: Threads;
  let key: ThreadKey;

  before(async () => {
    threads = await openThreads();
  });
  after(() => threads?.close());
  beforeEach(() => {
    key = threads.next();
  });

  it('of many who claim at once one gets it', async () => {
    const { store } = threads;
    const claims = await Promise.all(Array.from({ length: 10 }, () => claimThread(store, key)));
    assert.equal(claims.filter((claimed) => claimed !== undefined).length, 1);
  });

  it('a holder that was paused past its lease can write nothing any more', async () => {
    const { store, workspaceId } = threads;
    const event = await threads.arrive('hello');
    const paused = await threads.taken();
    const conversationId = await threads.openConversationOf(paused);
    await threads.letItRunOut(paused.lease.threadId);
    const next = await threads.taken();
    assert.ok(next.lease.token > paused.lease.token);

    assert.equal(await renewThread(store, workspaceId, paused.lease), false);
    assert.equal(
      await finishTurn(store, threads.roundOf(paused), undefined, { status: 'silent', handler: '' }, {}),
      undefined,
    );
    assert.equal(await threads.processed(event), false);
    const target = { workspaceId, conversationId };
    const turnId = newId();
    const late = await appendOnce(store, target, [{ author: bot, text: 'late words', turnId, ordinal: 0 }], {
      guard: { status: 'bot', lease: paused.lease },
      facts: (_message, id) => [things.make('thing.nobody_minds', { workspaceId, subjectId: id, payload: {} })],
    });
    assert.equal(late.outcome, 'refused');
    assert.equal(await releaseThread(store, key, paused.lease, paused.wakes), undefined);
    await postponeThread(store, workspaceId, paused.lease, 60_000);
    assert.equal(await claimThread(store, key), undefined, 'the next holder still has it');

    const told = await appendOnce(store, target, [{ author: bot, text: 'words', turnId, ordinal: 0 }], {
      guard: { status: 'bot', lease: next.lease },
    });
    assert.equal(told.outcome, 'stored');
    assert.ok(await finishTurn(store, threads.roundOf(next), undefined, { status: 'silent', handler: '' }, {}));
    assert.equal(await threads.processed(event), true);
  });

  it('is not released while a wake came that its holder has not seen, nor while an event waits', async () => {
    const { store } = threads;
    const held = await threads.taken();
    assert.equal(await claimThread(store, key), undefined);
    const seen = await releaseThread(store, key, held.lease, held.wakes);
    assert.equal(seen, held.wakes + 1);
    const event = await threads.arrive('hello');
    assert.equal(await releaseThread(store, key, held.lease, seen), seen);
    const { events } = await readMailbox(store, key);
    assert.deepEqual(
      events.map(({ id }) => id),
      [event],
    );
    await threads.markDone({ ...threads.roundOf(held), events });
    assert.equal(await releaseThread(store, key, held.lease, seen), undefined);
    assert.ok(await claimThread(store, key), 'it is free now');
  });

  it('a paragraph and its fact are kept or lost together', async () => {
    const { store, workspaceId } = threads;
    const held = await threads.taken();
    const target = { workspaceId, conversationId: await threads.openConversationOf(held) };
    const count = async (): Promise<number[]> => {
      const [row] = await threads.run<{ messages: number; facts: number; last: number }>(sql`
        select (select count(*)::int from messages where conversation_id = ${target.conversationId}::uuid) as messages,
          (select count(*)::int from outbox where payload->>'of' = ${target.conversationId}) as facts,
          (select last_seq::int from conversations where id = ${target.conversationId}::uuid) as last`);
      return [row?.messages ?? -1, row?.facts ?? -1, row?.last ?? -1];
    };
    const options = {
      facts: (_message: unknown, id: string) => [
        things.make('thing.nobody_minds', { workspaceId, subjectId: id, payload: { of: target.conversationId } }),
      ],
    };
    await assert.rejects(
      store.inWorkspace(workspaceId, async (tx) => {
        await append(tx, target, [{ author: bot, text: 'words' }], options);
        throw new Error('the process stumbles');
      }),
      /stumbles/,
    );
    assert.deepEqual(await count(), [0, 0, 0]);
    await appendOnce(store, target, [{ author: bot, text: 'words' }], options);
    assert.deepEqual(await count(), [1, 1, 1]);
    const refused = { ...options, guard: { status: 'agent' as const } };
    assert.equal((await appendOnce(store, target, [{ author: bot, text: 'no' }], refused)).outcome, 'refused');
    assert.deepEqual(await count(), [1, 1, 1]);
  });

  it('words no database takes are cleaned on their way in', async () => {
    const { store, workspaceId } = threads;
    const target = { workspaceId, conversationId: await threads.openConversationOf(await threads.taken()) };
    const made = await appendOnce(
      store,
      target,
      [
        {
          author: { ...bot, name: 'Ro\u0000bin' },
          text: 'a model says \u0000 and \ud83d',
          citations: [
            {
              number: 1,
              chunkId: newId(),
              sourceId: newId(),
              sourceType: 'faq',
              title: 't',
              headingPath: '',
              quote: 'cut \ud83d',
              url: null,
            },
          ],
        },
      ],
      {
        facts: (message, id) => [
          things.make('thing.nobody_minds', { workspaceId, subjectId: id, payload: { text: message.text } }),
        ],
      },
    );
    assert.ok(made.outcome === 'stored');
    assert.equal(made.messages[0]?.text, 'a model says  and \ufffd');
    assert.equal(made.messages[0].citations[0]?.quote, 'cut \ufffd');
  });

  it('a relay that dies before it marks hands the same fact over again, under the same id', async () => {
    const { store, workspaceId } = threads;
    const subjectId = newId();
    await store.inWorkspace(workspaceId, (tx) =>
      recordFacts(tx, [things.make('thing.happened', { workspaceId, subjectId, payload: { count: 1 } })]),
    );
    const handed: string[] = [];
    let broken = true;
    const relay = createRelay({
      store,
      wake: createWake(),
      reactions: {
        wanting: async ({ type }) => (type === 'thing.happened' ? ['one'] : []),
        knows: () => true,
        work: () => undefined,
        hand: (fact) => {
          handed.push(fact.id);
          return broken ? Promise.reject(new Error('the process died')) : Promise.resolve();
        },
      },
    });
    await assert.rejects(relay.relay(), /died/);
    broken = false;
    await relay.relay();
    await relay.relay();
    assert.equal(handed.length, 2);
    assert.equal(handed[0], handed[1]);
    await relay.close();
  });
});
