import { isConnectionLoss } from '../telemetry/outage.ts';
import type { Change, PublishKit } from './change.ts';

/** Tells everybody concerned what a commit changed. Called after it, never inside; never throws and waits for nothing. */
export type Publish = (changes: readonly Change[]) => void;

export type Publishing = { publish: Publish; close(): void };

export function createPublish(kit: PublishKit): Publishing {
  const { log } = kit;
  const gathered = new Map<string, { latest: Change; timer: NodeJS.Timeout }>();
  let closed = false;

  function report(error: unknown, { kind, workspaceId }: Change): void {
    log[isConnectionLoss(error) ? 'debug' : 'error']({ err: error, kind, workspaceId }, 'a change was not published');
  }

  function run(change: Change): void {
    try {
      Promise.resolve(change.publish(kit)).catch((error: unknown) => report(error, change));
    } catch (error) {
      report(error, change);
    }
  }

  return {
    publish(changes) {
      for (const change of changes) {
        const { key } = change;
        if (key === undefined) {
          run(change);
          continue;
        }
        if (closed) continue;
        const waiting = gathered.get(key);
        if (waiting) {
          waiting.latest = change;
          continue;
        }
        const timer = setTimeout(() => {
          const latest = gathered.get(key)?.latest;
          gathered.delete(key);
          if (latest) run(latest);
        }, change.gatherMs);
        gathered.set(key, { latest: change, timer });
      }
    },
    /** Gathered changes that were not published yet are dropped: clients load the whole when they come back. */
    close() {
      closed = true;
      for (const { timer } of gathered.values()) clearTimeout(timer);
      gathered.clear();
    },
  };
}
