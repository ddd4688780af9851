import type { Logger } from '../platform/log.ts';
import { runWithContext } from '../platform/log.ts';
import { newId } from '../platform/ids.ts';
import type { Store } from '../platform/tenant.ts';
import type { Wake } from '../platform/wake.ts';
import { claim, countFailure, LEASE_MS, postpone, readMailbox, release, renew } from './lease.ts';
import type { Claimed } from './lease.ts';
import { readThreadKey, THREAD } from './topics.ts';
import type { ThreadKey } from './topics.ts';

/** What one holder works on at a time. */
export type Round = Omit<Claimed, 'wakes'> & {
  key: ThreadKey;
  /** aborted when the lease is lost or the process stops */
  signal: AbortSignal;
};

/** Thrown inside a round when a guarded write was refused: somebody else has the thread now. Not a failure. */
export class LeaseLost extends Error {
  constructor() {
    super('the lease of the thread is lost');
    this.name = 'LeaseLost';
  }
}

const ATTEMPTS = 5;
const backoffMs = (attempts: number): number => Math.min(30_000, 500 * 2 ** attempts);

/**
 * Works off the mailboxes of threads: strictly in order inside one, in parallel across them. `work` deals with a round
 * and marks its events as processed; when it throws, the round is tried again later, and given up after five tries.
 */
export function createMailbox(parts: {
  store: Store;
  wake: Wake;
  log: Logger;
  work: (round: Round) => Promise<void>;
  /** the last resort for events that failed every time: nobody may be left without an answer */
  giveUp: (round: Round) => Promise<void>;
}) {
  const { store, wake, log, work, giveUp } = parts;
  /** Threads of this process, so that closing can wait for them. */
  const running = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const stopping = new AbortController();

  async function keepLease<T>(round: Claimed, key: ThreadKey, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const lost = new AbortController();
    const timer = setInterval(() => {
      renew(store, key.workspaceId, round.lease).then(
        (held) => {
          if (!held) lost.abort(new LeaseLost());
        },
        (error: unknown) => log.warn({ err: error }, 'the lease was not renewed'),
      );
    }, LEASE_MS / 3);
    try {
      return await run(AbortSignal.any([lost.signal, stopping.signal]));
    } finally {
      clearInterval(timer);
    }
  }

  async function hold(key: ThreadKey): Promise<void> {
    const claimed = await claim(store, key);
    if (!claimed) return;
    await keepLease(claimed, key, async (signal) => {
      let { wakes, events, conversation, interrupted } = claimed;
      for (;;) {
        if (events.length > 0) {
          const round: Round = { key, lease: claimed.lease, events, conversation, interrupted, signal };
          if (!(await runRound(round))) return;
        }
        const newer = await release(store, key, claimed.lease, wakes);
        if (newer === undefined) return;
        if (stopping.signal.aborted) return await postpone(store, key.workspaceId, claimed.lease, 0);
        wakes = newer;
        const before = events[0]?.id;
        ({ events, conversation, interrupted } = await readMailbox(store, key));
        if (before !== undefined && events[0]?.id === before) throw new Error('a round left its events unprocessed');
      }
    });
  }

  /** False: this holder is done with the thread, for now or for good. */
  async function runRound(round: Round): Promise<boolean> {
    const { key, lease, events } = round;
    const requestId = events.at(-1)?.requestId ?? newId();
    return runWithContext({ requestId, workspaceId: key.workspaceId }, async () => {
      try {
        await work(round);
        return true;
      } catch (error) {
        if (error instanceof LeaseLost || round.signal.aborted) {
          if (stopping.signal.aborted) await postpone(store, key.workspaceId, lease, 0);
          return false;
        }
        log.error({ err: error, threadId: lease.threadId }, 'a round failed');
        const attempts = Math.max(...events.map((event) => event.attempts)) + 1;
        if (attempts >= ATTEMPTS) await giveUp(round);
        const message = error instanceof Error ? error.message : String(error);
        const { dead } = await countFailure(
          store,
          key.workspaceId,
          events.map((event) => event.id),
          message,
          ATTEMPTS,
        );
        if (dead) return true;
        await postpone(store, key.workspaceId, lease, backoffMs(attempts));
        return false;
      }
    });
  }

  /** Works the thread off, or has its holder in this process look once more. */
  function run(text: string): Promise<void> {
    if (stopping.signal.aborted) return Promise.resolve();
    again.add(text);
    const present = running.get(text);
    if (present) return present;
    const loop = (async () => {
      while (again.delete(text) && !stopping.signal.aborted) await hold(readThreadKey(text));
    })().finally(() => running.delete(text));
    running.set(text, loop);
    return loop;
  }

  const stop = wake.on(THREAD, run);
  return {
    run,
    busy: () => running.size,
    /** Stops taking threads; what runs is told to stop, gives its threads back, and goes on after the restart. */
    async close(): Promise<void> {
      stop();
      stopping.abort(new LeaseLost());
      await Promise.allSettled(running.values());
    },
  };
}
