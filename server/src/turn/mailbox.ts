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
import { createFairShare } from '../platform/limits/fair-share.ts';
import { createKeyedQueue } from '../platform/jobs/keyed-queue.ts';
import { openAlbum } from './album.ts';
import { claimThread, keepRenewed, LeaseLost, postponeThread, releaseThread, renewThread } from './lease.ts';
import type { ClaimedThread, Lease } from './lease.ts';
import { countFailure, readMailbox, readThreadKey, THREAD, writeThreadKey } from './threads.ts';
import type { Mailbox, PendingEvent, ThreadKey } from './threads.ts';

// Real time (3): how long the machinery lets wait.

/** What one holder works on at a time. */
export type Round = ClaimedThread & {
  key: ThreadKey;
  /** aborted when the lease is lost or the process stops */
  signal: AbortSignal;
};

/** Most of them wait for a model, which costs a process little. */
const CONCURRENCY = 512;
const ATTEMPTS = 5;
/** When even the dead letter fails this often, the events are put aside without: the thread must go on. */
const MAX_ATTEMPTS = 2 * ATTEMPTS;
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** So long a message is not blamed for a server that is away. Then it is, so that a person gets it. */
const PATIENCE_MS = 10 * 60_000;
const waitedMs = (events: PendingEvent[]): number =>
  Math.max(0, ...events.map(({ receivedAt }) => (receivedAt === undefined ? 0 : Date.now() - receivedAt)));

/** What went wrong, without the statement it is wrapped in: that names no reason, and quotes what a customer wrote. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? causeOf(error.cause) : error.message;
}

/**
 * What is worked on together. After a failure it is not known which event was to blame, so those that failed before are
 * tried one at a time: what is well is not put aside with what is not. A turn that was begun keeps its events. An album that
 * may not be whole yet is waited for; `waitMs` when nothing is before it.
 */
function nextRound(
  events: PendingEvent[],
  interrupted: Mailbox['interrupted'],
): { events: PendingEvent[]; waitMs?: number } {
  if (interrupted && events.some((event) => event.seq <= interrupted.lastEventSeq)) return { events };
  const failed = events.findIndex((event) => event.attempts > 0);
  if (failed !== -1) return { events: events.slice(0, Math.max(failed, 1)) };
  const album = openAlbum(events);
  if (album?.at === 0) return { events: [], waitMs: album.waitMs };
  return { events: album ? events.slice(0, album.at) : events };
}

/**
 * Works off the mailboxes of threads: strictly in order inside one, in parallel across them. `work` deals with a round
 * and marks its events as processed; when it throws, the round is tried again later, and dead-lettered after five tries, or
 * sooner where the database says that it is too much.
 */
export function createMailbox(deps: {
  store: Store;
  wake: Wake;
  log: Logger;
  metrics: Metrics;
  tracing: Tracing;
  /** @returns whether the thread was given back with the round's end */
  work: (round: Round) => Promise<{ released: boolean }>;
  /** the last resort for events that failed every time: the customer still gets an answer */
  deadLetter: (round: Round) => Promise<void>;
  /** the first wait before a failed round is tried again; it doubles up to half a minute */
  retryMs?: number;
}) {
  const { store, wake, log, metrics, tracing, work, deadLetter, retryMs = RETRY_MS } = deps;
  // A thread is in it once at most, so inside a workspace no customer is before others for writing much.
  const share = createFairShare(CONCURRENCY);
  const queue = createKeyedQueue({
    wake,
    topic: THREAD,
    work: (text) => {
      const key = readThreadKey(text);
      return share.run(key.workspaceId, () => processThread(key));
    },
  });
  const stopping = new AbortController();

  async function keepLease(lease: Lease, key: ThreadKey, run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const lost = new AbortController();
    const stop = keepRenewed(
      async () => {
        if (!(await renewThread(store, key.workspaceId, lease))) lost.abort(new LeaseLost());
      },
      (error) => log[isConnectionLoss(error) ? 'debug' : 'warn']({ err: error }, 'the lease was not renewed'),
    );
    try {
      await run(AbortSignal.any([lost.signal, stopping.signal]));
    } finally {
      stop();
    }
  }

  async function processThread(key: ThreadKey): Promise<void> {
    if (stopping.signal.aborted) return;
    const claimedAt = Date.now();
    const claimed = await claimThread(store, key);
    if (!claimed) return;
    await keepLease(claimed.lease, key, async (signal) => {
      let { wakes, events, conversation, interrupted } = claimed;
      for (;;) {
        if (events.length > 0) {
          const together = nextRound(events, interrupted);
          if (together.waitMs !== undefined) {
            await postponeThread(store, key.workspaceId, claimed.lease, together.waitMs);
            return queue.runLater(writeThreadKey(key), together.waitMs);
          }
          const round: Round = { ...claimed, key, wakes, events: together.events, conversation, interrupted, signal };
          if (!(await runRound(round, claimedAt))) return;
        }
        const newer = await releaseThread(store, key, claimed.lease, wakes);
        if (newer === undefined) return;
        if (stopping.signal.aborted) return await postponeThread(store, key.workspaceId, claimed.lease, 0);
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
          if (stopping.signal.aborted) await postponeThread(store, key.workspaceId, lease, 0);
          return false;
        }
        if (isConnectionLoss(error) && waitedMs(events) < PATIENCE_MS) {
          // No fault of these messages: none of their tries is counted. The outage itself is logged elsewhere.
          log.debug({ err: error, threadId: lease.threadId }, 'a round waits for what is away');
          try {
            await postponeThread(store, key.workspaceId, lease, retryMs);
          } finally {
            // Only now: a wake that comes before the thread is free finds nothing to do.
            queue.runLater(writeThreadKey(key), retryMs);
          }
          return false;
        }
        log.error({ err: error, threadId: lease.threadId }, 'a round failed');
        const attempts = Math.max(...events.map((event) => event.attempts)) + 1;
        // Of several it is not known yet which it was; the next time each is tried alone.
        const tries = Math.max(triesOf(error, ATTEMPTS), Math.min(events.length, 2));
        const dead = attempts >= tries && ((await triedDeadLetter(round)) || attempts >= MAX_ATTEMPTS);
        const ids = events.map((event) => event.id);
        await countFailure(store, key.workspaceId, ids, causeOf(error), dead);
        if (dead) return true;
        const wait = Math.min(LONGEST_RETRY_MS, retryMs * 2 ** (attempts - 1));
        await postponeThread(store, key.workspaceId, lease, wait);
        queue.runLater(writeThreadKey(key), wait);
        return false;
      }
    });
  }

  async function triedDeadLetter(round: Round): Promise<boolean> {
    try {
      await deadLetter(round);
      return true;
    } catch (error) {
      log.error({ err: error, threadId: round.lease.threadId }, 'a round could not even be dead-lettered');
      return false;
    }
  }

  return {
    run: queue.run,
    busy: queue.busy,
    /** Stops taking threads; what runs is stopped, gives its threads back, and goes on after the restart. */
    close(): Promise<void> {
      stopping.abort(new LeaseLost());
      return queue.close();
    },
  };
}
