import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { createLogger } from '../platform/telemetry/log.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { noTracing } from '../platform/telemetry/tracing.ts';
import { createWake } from '../platform/cluster/wake.ts';
import { until } from '../test/until.ts';
import { stays } from '../test/stays.ts';
import { gate } from '../test/talk.ts';
import { openThreads } from '../test/threads.ts';
import type { Threads } from '../test/threads.ts';
import { finishTurn } from './finish.ts';
import { claimThread, LeaseLost } from './lease.ts';
import type { ClaimedThread } from './lease.ts';
import { createMailbox } from './mailbox.ts';
import type { Round } from './mailbox.ts';
import { createSweeper } from '../platform/sweeps/sweeps.ts';
import { pendingThreads } from './sweeps.ts';
import { THREAD, writeThreadKey } from './threads.ts';
import type { ThreadKey } from './threads.ts';

/** Invariants 2 and 3 on the database alone. */
describe('two processes', () => {
  const log = createLogger({ level: 'silent' });
  const metrics = createMetrics({ defaults: false });
  let threads: Threads;
  let key: ThreadKey;

  before(async () => {
    threads = await openThreads();
  });
  after(() => threads?.close());
  beforeEach(() => {
    key = threads.next();
  });

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
        store: threads.store,
        wake,
        log,
        metrics,
        tracing: noTracing,
        work,
        deadLetter: () => Promise.resolve(),
        retryMs: 10,
      }),
    };
  };
  const notify = ({ mailbox }: Worker) => mailbox.run(writeThreadKey(key));

  it('work a thread off one after the other: each event once, in order, never two holders', async () => {
    const seen: string[] = [];
    let holders = 0;
    const work = async (round: Round): Promise<void> => {
      holders += 1;
      assert.equal(holders, 1);
      // As long as a look at the database: the other one begins meanwhile.
      await threads.run(sql`select 1`);
      seen.push(...round.events.map(({ event }) => (event.kind === 'message' ? event.text : '')));
      await threads.markDone(round);
      holders -= 1;
    };
    const workers = [begin(work), begin(work)] as const;
    const texts = Array.from({ length: 40 }, (_, index) => `message ${index}`);
    const runs: Promise<void>[] = [];
    for (const [index, text] of texts.entries()) {
      await threads.arrive(text);
      runs.push(notify(workers[index % 2 === 0 ? 0 : 1]));
    }
    await Promise.all(runs);
    assert.deepEqual(seen, texts);
    await Promise.all(workers.map(({ mailbox }) => mailbox.close()));
  });

  it('a claim that began before the last holder had ended sees what that one left', async () => {
    await threads.arrive('first');
    const round = threads.roundOf(await threads.taken());
    let claim: Promise<ClaimedThread | undefined> | undefined;
    await threads.store.inWorkspace(threads.workspaceId, async (tx) => {
      await tx.execute(sql`select 1 from threads where id = ${round.lease.threadId}::uuid for update`);
      claim = claimThread(threads.store, key);
      // It has read what is pending and waits for the row. The embedded database does one transaction after the other.
      if (threads.kind === 'external')
        await until(async () => {
          const { rows } = await tx.execute(
            sql`select 1 from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))`,
          );
          return rows.length > 0;
        }, 'the claim waits');
      await tx.execute(
        sql`update inbound_events set processed_at = now() where id = ${round.events[0]?.id ?? ''}::uuid`,
      );
      await tx.execute(
        sql`update threads set lease_until = null, lease_holder = null where id = ${round.lease.threadId}::uuid`,
      );
    });
    const claimed = await claim;
    assert.deepEqual(claimed?.events, []);
  });

  it('a wake that only the other one heard is not lost', async () => {
    const holding = gate();
    const began = gate();
    const seen: string[] = [];
    const work = async (round: Round): Promise<void> => {
      seen.push(...round.events.map(({ event }) => (event.kind === 'message' ? event.text : '')));
      began.open();
      await holding.opened;
      await threads.markDone(round);
    };
    const [holder, other] = [begin(work), begin(work)];
    await threads.arrive('first');
    const holds = notify(holder);
    await began.opened;
    await threads.arrive('second');
    await notify(other);
    holding.open();
    await holds;
    assert.deepEqual(seen, ['first', 'second']);
    await Promise.all([holder.mailbox.close(), other.mailbox.close()]);
  });

  it('a wake nobody heard is repaired by the sweeper, and not before the lease of a living holder ends', async () => {
    const { store } = threads;
    const seen: string[] = [];
    const worker = begin(async (round) => {
      seen.push(round.key.threadKey);
      await threads.markDone(round);
    });
    const heard: string[] = [];
    worker.wake.on(THREAD, (text) => void heard.push(text));
    const sweeper = createSweeper({ store, log, sweeps: [pendingThreads(worker.wake)] });
    const mine = writeThreadKey(key);
    await threads.arrive('unheard', '5 seconds');
    const held = await threads.taken();
    await sweeper.sweep();
    await stays(() => !heard.includes(mine), 'somebody has it', 50);
    await threads.letItRunOut(held.lease.threadId);
    await sweeper.sweep();
    await until(async () => seen.includes(key.threadKey), 'the sweeper’s wake arrived');
    assert.equal(heard.includes(mine), true);
    await worker.mailbox.close();
  });

  it('a holder whose lease is taken is told to stop, and its finish is refused', async () => {
    const { store } = threads;
    const event = await threads.arrive('hello');
    let refused = false;
    const began = gate();
    const worker = begin(async (round) => {
      began.open();
      await new Promise<void>((resolve) => round.signal.addEventListener('abort', () => resolve(), { once: true }));
      refused = !(await finishTurn(store, round, undefined, { status: 'silent', handler: '' }, {}));
      throw new LeaseLost();
    });
    const holds = notify(worker);
    await began.opened;
    const [row] = await threads.run<{ id: string }>(sql`select id from threads where thread_key = ${key.threadKey}`);
    await threads.letItRunOut(row?.id ?? '');
    await threads.taken();
    await holds;
    assert.equal(refused, true);
    assert.equal(await threads.processed(event), false);
    await worker.mailbox.close();
  });

  it('what failed together is tried apart: the sick one is put aside alone, the thread goes on', async () => {
    const { store } = threads;
    const ids = [await threads.arrive('well'), await threads.arrive('sick'), await threads.arrive('well too')];
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
        await threads.markDone(round);
        return { released: false };
      },
      deadLetter: async (round) => void given.push(round.events.map(({ id }) => id)),
    });
    await until(async () => {
      await mailbox.run(writeThreadKey(key));
      return threads.processed(ids[2] ?? '');
    }, 'the thread goes on');
    assert.deepEqual(given, [[ids[1]]]);
    const rows = await threads.run<{ id: string; dead: boolean; error: string | null; attempts: number }>(sql`
      select id, dead_at is not null as dead, error, attempts from inbound_events where thread_key = ${key.threadKey} order by seq`);
    assert.deepEqual(
      rows.map(({ dead }) => dead),
      [false, true, false],
    );
    assert.equal(rows[1]?.error, 'cannot be read');
    assert.equal(rows[1].attempts, 5);
    assert.deepEqual([await threads.processed(ids[0] ?? ''), await threads.processed(ids[1] ?? '')], [true, false]);
    await mailbox.close();
  });

  for (const [what, error, tries] of [
    ['is too big for the database', { message: 'string is too long for tsvector', code: '54000' }, 1],
    ['takes the database too long', { message: 'canceling statement due to statement timeout', code: '57014' }, 2],
  ] as const)
    it(`what ${what} is put aside with its reason after ${tries} of five tries, and the thread goes on`, async () => {
      const ids = [await threads.arrive('sick'), await threads.arrive('well')];
      const given: string[][] = [];
      let tried = 0;
      const mailbox = createMailbox({
        metrics,
        tracing: noTracing,
        store: threads.store,
        wake: createWake(),
        log,
        retryMs: 1,
        work: async (round) => {
          if (round.events.some(({ id }) => id === ids[0])) {
            if (round.events.length === 1) tried += 1;
            const { message, code } = error;
            throw new Error('Failed query', { cause: Object.assign(new Error(message), { code }) });
          }
          await threads.markDone(round);
          return { released: false };
        },
        deadLetter: async (round) => void given.push(round.events.map(({ id }) => id)),
      });
      await until(async () => {
        await mailbox.run(writeThreadKey(key));
        return threads.processed(ids[1] ?? '');
      }, 'the thread goes on');
      assert.deepEqual(given, [[ids[0]]]);
      // Once together with the other, before anybody knew which it was.
      assert.equal(tried, 1);
      const [row] = await threads.run<{ dead: boolean; error: string }>(
        sql`select dead_at is not null as dead, error from inbound_events where id = ${ids[0]}::uuid`,
      );
      assert.deepEqual([row?.dead, row?.error], [true, error.message]);
      await mailbox.close();
    });

  it('a flood of one person is worked off in rounds of so many characters', async () => {
    const heavy = 'x'.repeat(90_000);
    const ids: string[] = [];
    for (let index = 0; index < 7; index++) ids.push(await threads.arrive(heavy));
    const rounds: number[] = [];
    const worker = begin(async (round) => {
      rounds.push(round.events.length);
      await threads.markDone(round);
    });
    await notify(worker);
    await until(() => threads.processed(ids.at(-1) ?? ''), 'all of it was dealt with');
    assert.deepEqual(rounds, [3, 3, 1]);
    await worker.mailbox.close();
  });

  it('a database that is away again and again is no fault of the message', async () => {
    const event = await threads.arrive('patient');
    let tries = 0;
    const worker = begin(async (round) => {
      tries += 1;
      if (tries <= 7) throw new Error('it failed', { cause: new Error('Connection terminated unexpectedly') });
      await threads.markDone(round);
    });
    await notify(worker);
    await until(() => threads.processed(event), 'it was dealt with in the end');
    const [row] = await threads.run<{ attempts: number; dead: boolean }>(
      sql`select attempts, dead_at is not null as dead from inbound_events where id = ${event}::uuid`,
    );
    assert.deepEqual([tries, row?.attempts, row?.dead], [8, 0, false]);
    await worker.mailbox.close();
  });

  it('a stop gives the thread back at once, with everything in it', async () => {
    const event = await threads.arrive('hello');
    const began = gate();
    const worker = begin(async (round) => {
      began.open();
      await new Promise<void>((resolve) => round.signal.addEventListener('abort', () => resolve(), { once: true }));
      throw round.signal.reason;
    });
    const holds = notify(worker);
    await began.opened;
    await worker.mailbox.close();
    await holds;
    assert.equal(await threads.processed(event), false);
    const next = await threads.taken();
    assert.deepEqual(
      next.events.map(({ id, attempts }) => [id, attempts]),
      [[event, 0]],
    );
  });
});
