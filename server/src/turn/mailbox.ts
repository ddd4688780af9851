import type { Logger } from '../platform/telemetry/log.ts';
import { newId } from '../platform/data/ids.ts';
import { stageMetrics } from '../ai/stages.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { isConnectionLoss } from '../platform/telemetry/outage.ts';
import { triesOf } from '../platform/data/statement-limits.ts';
import { enter, noteSpan, readCarried } from '../platform/telemetry/tracing.ts';
import type { Tracing } from '../platform/telemetry/tracing.ts';
import type { Store } from '../platform/data/tenant.ts';
import type { Wake } from '../platform/cluster/wake.ts';
import { claim, countFailure, LEASE_MS, postpone, readMailbox, release, renew } from './lease.ts';
import type { Claimed, PendingEvent } from './lease.ts';
import { createFairShare } from '../platform/limits/fair-share.ts';
import { createLanes } from '../platform/jobs/keyed-queue.ts';
import { readThreadKey, THREAD, writeThreadKey } from './topics.ts';
import type { ThreadKey } from './topics.ts';

/** What one holder works on at a time. */
export type Round = Claimed & {
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

/** Most of them wait for a model, which costs a process little. */
const THREADS_AT_ONCE = 512;
const ATTEMPTS = 5;
/** When even giving up fails this often, the events are put aside without: the lane must go on. */
const ATTEMPTS_AT_MOST = 2 * ATTEMPTS;
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** So long a message is not blamed for a server that is away. Then it is, so that somebody hears of it. */
const PATIENCE_MS = 10 * 60_000;
const waitedMs = (events: PendingEvent[]): number =>
  Math.max(0, ...events.map(({ receivedAt }) => (receivedAt === undefined ? 0 : Date.now() - receivedAt)));

/** What went wrong, without the statement it is wrapped in: that names no reason, and quotes what a customer wrote. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? causeOf(error.cause) : error.message;
}

/**
 * What is worked on together. After a failure nobody knows which event was to blame, so those that failed before are
 * tried one at a time: what is well is not put aside with what is not. A turn that was begun keeps its events.
 */
function nextRound(events: PendingEvent[], interrupted: Claimed['interrupted']): PendingEvent[] {
  if (interrupted && events.some((event) => event.seq <= interrupted.lastEventSeq)) return events;
  const failed = events.findIndex((event) => event.attempts > 0);
  return failed === -1 ? events : events.slice(0, Math.max(failed, 1));
}

/**
 * Works off the mailboxes of threads: strictly in order inside one, in parallel across them. `work` deals with a round
 * and marks its events as processed; when it throws, the round is tried again later, and given up after five tries, or
 * sooner where the database says that it is too much.
 */
export function createMailbox(parts: {
  store: Store;
  wake: Wake;
  log: Logger;
  metrics: Metrics;
  tracing: Tracing;
  /** @returns whether the thread was given back with the round's end */
  work: (round: Round) => Promise<{ released: boolean }>;
  /** the last resort for events that failed every time: nobody may be left without an answer */
  deadLetter: (round: Round) => Promise<void>;
  /** the first wait before a failed round is tried again; it doubles up to half a minute */
  retryMs?: number;
}) {
  const { store, wake, log, metrics, tracing, work, deadLetter, retryMs = RETRY_MS } = parts;
  // A thread has one place at most, so inside a workspace nobody is before others for writing much.
  const share = createFairShare(THREADS_AT_ONCE);
  const lanes = createLanes({
    wake,
    topic: THREAD,
    work: (text) => {
      const key = readThreadKey(text);
      return share.run(key.workspaceId, () => hold(key));
    },
  });
  const stopping = new AbortController();

  async function keepLease<T>(round: Claimed, key: ThreadKey, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const lost = new AbortController();
    const timer = setInterval(() => {
      renew(store, key.workspaceId, round.lease).then(
        (held) => {
          if (!held) lost.abort(new LeaseLost());
        },
        (error: unknown) =>
          log[isConnectionLoss(error) ? 'debug' : 'warn']({ err: error }, 'the lease was not renewed'),
      );
    }, LEASE_MS / 3);
    try {
      return await run(AbortSignal.any([lost.signal, stopping.signal]));
    } finally {
      clearInterval(timer);
    }
  }

  async function hold(key: ThreadKey): Promise<void> {
    if (stopping.signal.aborted) return;
    const claimedAt = Date.now();
    const claimed = await claim(store, key);
    if (!claimed) return;
    await keepLease(claimed, key, async (signal) => {
      let { wakes, events, conversation, interrupted } = claimed;
      for (;;) {
        if (events.length > 0) {
          const together = nextRound(events, interrupted);
          const round: Round = { ...claimed, key, wakes, events: together, conversation, interrupted, signal };
          if (!(await runRound(round, claimedAt))) return;
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
  async function runRound(round: Round, claimedAt: number): Promise<boolean> {
    const { key, lease, events } = round;
    const of = readCarried(events.at(-1)?.requestId ?? newId());
    const options = { kind: 'consumer' as const, startedAt: claimedAt, attributes: { 'parley.events': events.length } };
    return enter(tracing, { ...of, workspaceId: key.workspaceId }, 'turn', options, async () => {
      noteSpan('mailbox claim', claimedAt);
      // Messages that are answered together are found under the last one's id, and it under theirs.
      const others = new Set(
        events.flatMap((event) => (event.requestId ? [readCarried(event.requestId).requestId] : [])),
      );
      others.delete(of.requestId);
      log.debug({ events: events.length, ...(others.size > 0 ? { together: [...others] } : {}) }, 'a round begins');
      for (const { receivedAt } of events)
        if (receivedAt !== undefined)
          metrics.of(stageMetrics).turnStages.observe({ stage: 'wait' }, Math.max(0, Date.now() - receivedAt) / 1_000);
      try {
        const { released } = await work(round);
        return !released;
      } catch (error) {
        if (error instanceof LeaseLost || round.signal.aborted) {
          if (stopping.signal.aborted) await postpone(store, key.workspaceId, lease, 0);
          return false;
        }
        if (isConnectionLoss(error) && waitedMs(events) < PATIENCE_MS) {
          // No fault of these messages: none of their tries is counted. The outage itself is told elsewhere.
          log.debug({ err: error, threadId: lease.threadId }, 'a round waits for what is away');
          try {
            await postpone(store, key.workspaceId, lease, retryMs);
          } finally {
            // Only now: a wake that comes before the thread is free finds nothing to do.
            lanes.runLater(writeThreadKey(key), retryMs);
          }
          return false;
        }
        log.error({ err: error, threadId: lease.threadId }, 'a round failed');
        const attempts = Math.max(...events.map((event) => event.attempts)) + 1;
        // Of several nobody knows yet which it was; the next time each is tried alone.
        const tries = Math.max(triesOf(error, ATTEMPTS), Math.min(events.length, 2));
        const dead = attempts >= tries && ((await triedToGiveUp(round)) || attempts >= ATTEMPTS_AT_MOST);
        const ids = events.map((event) => event.id);
        await countFailure(store, key.workspaceId, ids, causeOf(error), dead);
        if (dead) return true;
        const wait = Math.min(LONGEST_RETRY_MS, retryMs * 2 ** (attempts - 1));
        await postpone(store, key.workspaceId, lease, wait);
        lanes.runLater(writeThreadKey(key), wait);
        return false;
      }
    });
  }

  async function triedToGiveUp(round: Round): Promise<boolean> {
    try {
      await deadLetter(round);
      return true;
    } catch (error) {
      log.error({ err: error, threadId: round.lease.threadId }, 'a round could not even be given up');
      return false;
    }
  }

  return {
    run: lanes.run,
    busy: lanes.busy,
    /** Stops taking threads; what runs is told to stop, gives its threads back, and goes on after the restart. */
    close(): Promise<void> {
      stopping.abort(new LeaseLost());
      return lanes.close();
    },
  };
}
