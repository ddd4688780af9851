import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { append, appendOnce } from '../features/messages/commands.ts';
import { newId } from '../platform/ids.ts';
import { createLogger } from '../platform/log.ts';
import { createMetrics } from '../platform/metrics.ts';
import { createRelay, recordFacts } from '../platform/outbox.ts';
import { createStore } from '../platform/tenant.ts';
import type { Store } from '../platform/tenant.ts';
import { noTracing } from '../platform/tracing.ts';
import { createWake } from '../platform/wake.ts';
import { until } from '../test/app.ts';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { gate } from '../test/talk.ts';
import { finishTurn } from './finish.ts';
import { claim, postpone, readMailbox, release, renew } from './lease.ts';
import type { Claimed } from './lease.ts';
import { createMailbox, LeaseLost } from './mailbox.ts';
import type { Round } from './mailbox.ts';
import { createSweeper } from './sweeper.ts';
import { THREAD, writeThreadKey } from './topics.ts';
import type { ThreadKey } from './topics.ts';

/** Invariants 2, 3 and 4 on the database alone: two holders as two processes would be. */
describe('the lease of a thread', () => {
  const log = createLogger({ level: 'silent' });
  const metrics = createMetrics({ defaults: false });
  const workspaceId = newId();
  const inboxId = newId();
  let database: TestDatabase;
  let store: Store;
  let key: ThreadKey;
  let places = 0;

  before(async () => {
    database = await createTestDatabase();
    store = createStore(database.database);
    await database.database.asOwner(async (client) => {
      await client.query("insert into workspaces (id, name) values ($1, 'Acme')", [workspaceId]);
      await client.query(
        "insert into inboxes (id, workspace_id, name, channel, token) values ($1, $2, 'Inbox', 'telegram', 'a-token-of-tests')",
        [inboxId, workspaceId],
      );
    });
  });
  after(() => database?.remove());
  beforeEach(() => {
    places += 1;
    key = { workspaceId, inboxId, threadKey: `chat ${places}` };
  });

  const run = <Row extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<Row[]> =>
    store.once<Row>(workspaceId, query);

  /** An event as `receive` leaves it, without the bell. `ago`: how long it lies there. */
  async function arrive(text: string, ago = '0 seconds'): Promise<string> {
    const id = newId();
    const payload = { kind: 'message', text, media: [], sender: { externalId: key.threadKey } };
    await run(sql`
      insert into inbound_events (id, workspace_id, inbox_id, thread_key, platform_id, kind, payload, received_at)
      values (${id}::uuid, ${workspaceId}::uuid, ${inboxId}::uuid, ${key.threadKey}, ${id}, 'message',
        ${JSON.stringify(payload)}::jsonb, now() - ${ago}::interval)`);
    return id;
  }
  const taken = async (): Promise<Claimed> => {
    const claimed = await claim(store, key);
    assert.ok(claimed, 'the thread was free');
    return claimed;
  };
  /** The holder is paused for longer than its lease: only the database's clock says so. */
  const letItRunOut = (threadId: string) =>
    run(sql`update threads set lease_until = now() - interval '1 second' where id = ${threadId}::uuid`);
  const roundOf = (claimed: Claimed): Round => ({ ...claimed, key, signal: new AbortController().signal });
  const processed = async (id: string): Promise<boolean> => {
    const [row] = await run<{ done: boolean }>(
      sql`select processed_at is not null as done from inbound_events where id = ${id}::uuid`,
    );
    return row?.done === true;
  };
  const markDone = async (round: Round): Promise<void> => {
    if (!(await finishTurn(store, round, undefined, { status: 'silent', handler: '' }, {}))) throw new LeaseLost();
  };

  async function openConversationOf(claimed: Claimed): Promise<string> {
    const id = newId();
    const contact = newId();
    await database.database.asOwner(async (client) => {
      await client.query("insert into contacts (id, workspace_id, name) values ($1, $2, 'Maria')", [
        contact,
        workspaceId,
      ]);
      await client.query(
        "insert into conversations (id, workspace_id, inbox_id, thread_id, contact_id, status) values ($1, $2, $3, $4, $5, 'bot')",
        [id, workspaceId, inboxId, claimed.lease.threadId, contact],
      );
    });
    return id;
  }
  const bot = { type: 'bot' as const, id: null, name: 'Robin' };

  it('of many who claim at once one gets it', async () => {
    const claims = await Promise.all(Array.from({ length: 10 }, () => claim(store, key)));
    assert.equal(claims.filter((claimed) => claimed !== undefined).length, 1);
  });

  it('a holder that was paused past its lease can write nothing any more', async () => {
    const event = await arrive('hello');
    const paused = await taken();
    const conversationId = await openConversationOf(paused);
    await letItRunOut(paused.lease.threadId);
    const next = await taken();
    assert.ok(next.lease.token > paused.lease.token);

    assert.equal(await renew(store, workspaceId, paused.lease), false);
    assert.equal(await finishTurn(store, roundOf(paused), undefined, { status: 'silent', handler: '' }, {}), undefined);
    assert.equal(await processed(event), false);
    const target = { workspaceId, conversationId };
    const turnId = newId();
    const late = await appendOnce(store, target, [{ author: bot, text: 'late words', turnId, ordinal: 0 }], {
      guard: { status: 'bot', lease: paused.lease },
      facts: (_message, id) => [{ workspaceId, type: 'message.sent', subjectId: id }],
    });
    assert.equal(late.outcome, 'refused');
    assert.equal(await release(store, key, paused.lease, paused.wakes), undefined);
    await postpone(store, workspaceId, paused.lease, 60_000);
    assert.equal(await claim(store, key), undefined, 'the next holder still has it');

    const told = await appendOnce(store, target, [{ author: bot, text: 'words', turnId, ordinal: 0 }], {
      guard: { status: 'bot', lease: next.lease },
    });
    assert.equal(told.outcome, 'stored');
    assert.ok(await finishTurn(store, roundOf(next), undefined, { status: 'silent', handler: '' }, {}));
    assert.equal(await processed(event), true);
  });

  it('is not released while a wake came that its holder has not seen, nor while an event waits', async () => {
    const held = await taken();
    assert.equal(await claim(store, key), undefined);
    const seen = await release(store, key, held.lease, held.wakes);
    assert.equal(seen, held.wakes + 1);
    const event = await arrive('hello');
    assert.equal(await release(store, key, held.lease, seen), seen);
    const { events } = await readMailbox(store, key);
    assert.deepEqual(
      events.map(({ id }) => id),
      [event],
    );
    await markDone({ ...roundOf(held), events });
    assert.equal(await release(store, key, held.lease, seen), undefined);
    assert.ok(await claim(store, key), 'it is free now');
  });

  it('a paragraph and its fact are kept or lost together', async () => {
    const held = await taken();
    const target = { workspaceId, conversationId: await openConversationOf(held) };
    const count = async (): Promise<number[]> => {
      const [row] = await run<{ messages: number; facts: number; last: number }>(sql`
        select (select count(*)::int from messages where conversation_id = ${target.conversationId}::uuid) as messages,
          (select count(*)::int from outbox where payload->>'of' = ${target.conversationId}) as facts,
          (select last_seq::int from conversations where id = ${target.conversationId}::uuid) as last`);
      return [row?.messages ?? -1, row?.facts ?? -1, row?.last ?? -1];
    };
    const options = {
      facts: (_message: unknown, id: string) => [
        { workspaceId, type: 'message.sent', subjectId: id, payload: { of: target.conversationId } },
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
    const target = { workspaceId, conversationId: await openConversationOf(await taken()) };
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
        facts: (message, id) => [{ workspaceId, type: 'message.sent', subjectId: id, payload: { text: message.text } }],
      },
    );
    assert.ok(made.outcome === 'stored');
    assert.equal(made.messages[0]?.text, 'a model says  and \ufffd');
    assert.equal(made.messages[0].citations[0]?.quote, 'cut \ufffd');
  });

  it('a relay that dies before it marks hands the same fact over again, under the same id', async () => {
    const subjectId = newId();
    await store.inWorkspace(workspaceId, (tx) => recordFacts(tx, [{ workspaceId, type: 'thing.happened', subjectId }]));
    const handed: string[] = [];
    let broken = true;
    const relay = createRelay({
      store,
      wake: createWake(),
      log,
      wanted: (type) => type === 'thing.happened',
      hand: (fact) => {
        handed.push(fact.id);
        return broken ? Promise.reject(new Error('the process died')) : Promise.resolve();
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

  describe('two processes', () => {
    type Worker = { mailbox: ReturnType<typeof createMailbox>; wake: ReturnType<typeof createWake> };
    const begin = (act: (round: Round) => Promise<void>): Worker => {
      // The mailbox itself gives the thread back here.
      const work = async (round: Round) => {
        await act(round);
        return { released: false };
      };
      const wake = createWake();
      return {
        wake,
        mailbox: createMailbox({
          store,
          wake,
          log,
          metrics,
          tracing: noTracing,
          work,
          giveUp: () => Promise.resolve(),
          retryMs: 10,
        }),
      };
    };
    const ring = ({ mailbox }: Worker) => mailbox.run(writeThreadKey(key));

    it('work a thread off one after the other: each event once, in order, never two holders', async () => {
      const seen: string[] = [];
      let holders = 0;
      const work = async (round: Round): Promise<void> => {
        holders += 1;
        assert.equal(holders, 1);
        await pause(2);
        seen.push(...round.events.map(({ event }) => (event.kind === 'message' ? event.text : '')));
        await markDone(round);
        holders -= 1;
      };
      const workers = [begin(work), begin(work)] as const;
      const texts = Array.from({ length: 40 }, (_, index) => `message ${index}`);
      const rings: Promise<void>[] = [];
      for (const [index, text] of texts.entries()) {
        await arrive(text);
        rings.push(ring(workers[index % 2 === 0 ? 0 : 1]));
      }
      await Promise.all(rings);
      assert.deepEqual(seen, texts);
      await Promise.all(workers.map(({ mailbox }) => mailbox.close()));
    });

    it('a wake that only the other one heard is not lost', async () => {
      const holding = gate();
      const began = gate();
      const seen: string[] = [];
      const work = async (round: Round): Promise<void> => {
        seen.push(...round.events.map(({ event }) => (event.kind === 'message' ? event.text : '')));
        began.open();
        await holding.opened;
        await markDone(round);
      };
      const [holder, other] = [begin(work), begin(work)];
      await arrive('first');
      const holds = ring(holder);
      await began.opened;
      await arrive('second');
      await ring(other);
      holding.open();
      await holds;
      assert.deepEqual(seen, ['first', 'second']);
      await Promise.all([holder.mailbox.close(), other.mailbox.close()]);
    });

    it('a wake nobody heard is repaired by the sweeper, and not before the lease of a living holder ends', async () => {
      const seen: string[] = [];
      const worker = begin(async (round) => {
        seen.push(round.key.threadKey);
        await markDone(round);
      });
      const heard: string[] = [];
      worker.wake.on(THREAD, (text) => void heard.push(text));
      const sweeper = createSweeper({ store, wake: worker.wake, log, wakeUp: () => Promise.resolve(), also: [] });
      const mine = writeThreadKey(key);
      await arrive('unheard', '5 seconds');
      const held = await taken();
      await sweeper.sweep();
      await pause(20);
      assert.equal(heard.includes(mine), false, 'somebody has it');
      await letItRunOut(held.lease.threadId);
      await sweeper.sweep();
      await until(async () => seen.includes(key.threadKey), 'the sweeper’s bell was heard');
      assert.equal(heard.includes(mine), true);
      await worker.mailbox.close();
    });

    it('a holder whose lease is taken is told to stop, and its finish is refused', async () => {
      const event = await arrive('hello');
      let refused = false;
      const began = gate();
      const worker = begin(async (round) => {
        began.open();
        await new Promise<void>((resolve) => round.signal.addEventListener('abort', () => resolve(), { once: true }));
        refused = !(await finishTurn(store, round, undefined, { status: 'silent', handler: '' }, {}));
        throw new LeaseLost();
      });
      const holds = ring(worker);
      await began.opened;
      const [row] = await run<{ id: string }>(sql`select id from threads where thread_key = ${key.threadKey}`);
      await letItRunOut(row?.id ?? '');
      await taken();
      await holds;
      assert.equal(refused, true);
      assert.equal(await processed(event), false);
      await worker.mailbox.close();
    });

    it('what failed together is tried apart: the sick one is put aside alone, the lane goes on', async () => {
      const ids = [await arrive('well'), await arrive('sick'), await arrive('well too')];
      const given: string[][] = [];
      const wake = createWake();
      const mailbox = createMailbox({
        metrics,
        tracing: noTracing,
        store,
        wake,
        log,
        retryMs: 1,
        work: async (round) => {
          if (round.events.some(({ id }) => id === ids[1])) throw new Error('cannot be read');
          await markDone(round);
          return { released: false };
        },
        giveUp: async (round) => void given.push(round.events.map(({ id }) => id)),
      });
      for (let turn = 0; turn < 30 && !(await processed(ids[2] ?? '')); turn += 1) {
        await mailbox.run(writeThreadKey(key));
        await pause(5);
      }
      assert.deepEqual(given, [[ids[1]]]);
      const rows = await run<{ id: string; dead: boolean; error: string | null; attempts: number }>(sql`
        select id, dead_at is not null as dead, error, attempts from inbound_events where thread_key = ${key.threadKey} order by seq`);
      assert.deepEqual(
        rows.map(({ dead }) => dead),
        [false, true, false],
      );
      assert.equal(rows[1]?.error, 'cannot be read');
      assert.equal(rows[1].attempts, 5);
      assert.deepEqual([await processed(ids[0] ?? ''), await processed(ids[1] ?? '')], [true, false]);
      await mailbox.close();
    });

    it('a database that is away again and again is no fault of the message', async () => {
      const event = await arrive('patient');
      let tries = 0;
      const worker = begin(async (round) => {
        tries += 1;
        if (tries <= 7) throw new Error('it failed', { cause: new Error('Connection terminated unexpectedly') });
        await markDone(round);
      });
      await ring(worker);
      await until(() => processed(event), 'it was dealt with in the end');
      const [row] = await run<{ attempts: number; dead: boolean }>(
        sql`select attempts, dead_at is not null as dead from inbound_events where id = ${event}::uuid`,
      );
      assert.deepEqual([tries, row?.attempts, row?.dead], [8, 0, false]);
      await worker.mailbox.close();
    });

    it('a stop gives the thread back at once, with everything in it', async () => {
      const event = await arrive('hello');
      const began = gate();
      const worker = begin(async (round) => {
        began.open();
        await new Promise<void>((resolve) => round.signal.addEventListener('abort', () => resolve(), { once: true }));
        throw round.signal.reason;
      });
      const holds = ring(worker);
      await began.opened;
      await worker.mailbox.close();
      await holds;
      assert.equal(await processed(event), false);
      const next = await taken();
      assert.deepEqual(
        next.events.map(({ id, attempts }) => [id, attempts]),
        [[event, 0]],
      );
    });
  });
});
