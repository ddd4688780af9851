import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../db/index.ts';
import { unavailable } from '../errors.ts';
import type { Logger } from '../log.ts';
import { isConnectionLoss } from '../outage.ts';
import { RESYNC } from '../wake.ts';
import type { Wake } from '../wake.ts';
import type { Kind, PlacementRow } from './rows.ts';

/** Where a workspace lives that does not simply live in the shared tables. */
export type Placement = {
  workspaceId: string;
  kind: Kind;
  /** where its tables are, inside its database */
  schema: string;
  /** of its own database, sealed */
  address: string | null;
  /** it is being moved: it can be read, but nothing may be written until the move is through */
  isFrozen: boolean;
};

export type Placements = {
  /** Undefined: in the shared tables, and nothing special. Costs no statement. */
  of(workspaceId: string): Placement | undefined;
  /** Those that live outside of the shared tables. */
  elsewhere(): Placement[];
  /** The schemas of the product's own database that have tenant tables, the shared one first. */
  schemas(): string[];
  /** Whether some workspace may be written nowhere at this moment, as far as this process knows. */
  someFrozen(): boolean;
  /** Reads them again, e.g. because a placement changed. Callers at the same time share one read. */
  reload(): Promise<void>;
  /** Waits until what is known is fresh enough to act on. Undefined when it is. */
  stale(): Promise<void> | undefined;
  /**
   * For a writer that was refused, for the `times`th time: reads where the workspace lives now, and waits a moment for a
   * move to be through.
   * @throws 503 when the move takes longer
   */
  settled(workspaceId: string, times: number): Promise<void>;
  /** Starts reading them again every few seconds, for news that are lost. */
  start(): void;
  close(): void;
};

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
  // The embedded database has one process: what it does not know, nobody did.
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
      // The first time it may just be news that were not heard yet. Afterwards a place is being closed or opened.
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
