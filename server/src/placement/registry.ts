import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../platform/data/index.ts';
import { unavailable } from '../platform/errors.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import { isConnectionLoss } from '../platform/telemetry/outage.ts';
import { RESYNC } from '../platform/cluster/wake.ts';
import type { Wake } from '../platform/cluster/wake.ts';
import type { Placement, Placements } from '../platform/data/placing.ts';
import type { PlacementRow } from './rows.ts';

/** News: the placement of the workspace with this id changed. */
export const PLACEMENT_CHANGED = 'placement-changed';

const REFRESH_MS = 2_000;
/** A process that was paused longer than this looks before it acts. */
const BELIEVED_MS = 10_000;
const HELD_MS = 5_000;
const LOOK_MS = 100;
const RETRY_AFTER_SECONDS = 5;

type Row = Pick<PlacementRow, 'workspace' | 'kind' | 'schema_name' | 'address' | 'step'>;

/** The few placements there are, all of them in memory: whoever is not among them lives in the shared tables. */
export function createPlacements(parts: { database: Database; log: Logger; wake: Wake }): Placements {
  const { database, log, wake } = parts;
  let known = new Map<string, Placement>();
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  let queued: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  // The embedded database has one process: no other can have moved a workspace.
  const isAlone = database.kind === 'embedded';

  async function read(): Promise<void> {
    const startedAt = performance.now();
    const client = await database.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('begin read only; set local role parley_system');
      const { rows } = await client.query<Row>('select workspace, kind, schema_name, address, step from placements');
      await client.query('commit');
      known = new Map(rows.map((row) => [row.workspace, present(row)]));
      readAt = startedAt;
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  function reload(): Promise<void> {
    if (!reading) return (reading = read().finally(() => (reading = undefined)));
    // One that began before the change may not have seen it: everybody who comes meanwhile shares the next one.
    // Its failure is for those who wait for it; theirs is that of their own.
    queued ??= reading
      .catch(() => undefined)
      .then(() => {
        queued = undefined;
        return reload();
      });
    return queued;
  }

  function refresh(): void {
    if (reading) return;
    // An outage is told once, by the watch of the server.
    reload().catch((error: unknown) =>
      log[isConnectionLoss(error) ? 'debug' : 'warn']({ err: error }, 'the placements were not read'),
    );
  }

  const stops = [wake.on(PLACEMENT_CHANGED, reload), wake.on(RESYNC, reload)];

  return {
    of: (workspaceId) => known.get(workspaceId),
    elsewhere: () => [...known.values()].filter(({ kind }) => kind !== 'shared'),
    schemas: () => [
      'public',
      ...[...known.values()].flatMap(({ kind, schema }) => (kind === 'schema' ? [schema] : [])),
    ],
    someFrozen: () => [...known.values()].some(({ isFrozen }) => isFrozen),
    reload,
    stale: () => (isAlone || performance.now() - readAt < BELIEVED_MS ? undefined : (reading ?? reload())),
    async settled(workspaceId, times) {
      // The first time it may just be a broadcast that has not come yet. Afterwards a place is being closed or opened.
      if (times > 1) await sleep(LOOK_MS);
      const until = performance.now() + HELD_MS;
      for (;;) {
        await reload();
        if (times * LOOK_MS > HELD_MS || performance.now() > until)
          throw unavailable('This workspace is being moved. Try again in a moment.', RETRY_AFTER_SECONDS);
        if (!known.get(workspaceId)?.isFrozen) return;
        await sleep(LOOK_MS);
      }
    },
    start() {
      if (!isAlone) timer ??= setInterval(refresh, REFRESH_MS).unref();
    },
    close() {
      clearInterval(timer);
      for (const stop of stops) stop();
    },
  };
}

const present = (row: Row): Placement => ({
  workspaceId: row.workspace,
  kind: row.kind,
  schema: row.kind === 'schema' && row.schema_name ? row.schema_name : 'public',
  address: row.kind === 'database' ? row.address : null,
  isFrozen: row.step === 'frozen',
});
