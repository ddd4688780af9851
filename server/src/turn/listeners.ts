import { sql } from 'drizzle-orm';
import type { Channel, ListenerIntake } from '../channels/contract.ts';
import { channels } from '../channels/registry.ts';
import type { InboxDirectory, InboxRuntime } from '../features/inboxes/directory.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import { ahead, isFree } from '../platform/data/lease.ts';
import { storedJson } from '../platform/data/stored-json.ts';
import type { Place, Store } from '../platform/data/tenant.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { isConnectionLoss } from '../platform/telemetry/outage.ts';
import type { ClientOf } from './deliver.ts';
import { keepRenewed, LEASE_MS } from './lease.ts';
import { noteSkipped } from './receive.ts';
import type { Receive } from './receive.ts';

// Foreign tables: inboxes. The lease and the cursor stand on the row of what is listened for.
// Real time (2): tries.

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** One inbox or place that says nothing keeps the others waiting for so long, and once. */
const LOOK_MS = 5_000;
/** Inboxes of a place that are taken in one look; those that are left come in the next ones. */
const PER_LOOK = 200;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

type Found = { id: string; workspace_id: string };
type Listener = { inbox: InboxRuntime; token: number; stop: AbortController; ended: Promise<void> };

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Listens for the inboxes whose channels are asked for events rather than called. One process of the fleet has an inbox at
 * a time, by a lease with a fencing token on its row; the cursor stands there, too, and moves only with the lease. A holder
 * that dies is replaced when its lease runs out.
 */
export function createListeners(deps: {
  store: Store;
  log: Logger;
  metrics: Metrics;
  inboxes: Pick<InboxDirectory, 'byId'>;
  receive: Receive;
  clientOf: ClientOf;
  listening?: readonly Channel[];
  perLook?: number;
  lookMs?: number;
}) {
  const { store, log, metrics, perLook = PER_LOOK, lookMs = LOOK_MS } = deps;
  const listening = deps.listening ?? Object.values(channels).filter(({ intake }) => intake?.kind === 'listener');
  const names = listening.map(({ name }) => name);
  const active = new Map<string, Listener>();
  /** after a failure, not before */
  const waits = new Map<string, { until: number; ms: number }>();
  /** by place: the inbox a full look ended with */
  const lookedTo = new Map<string, string>();
  /** places and inboxes whose last look failed */
  const failing = new Set<string>();
  /** looks that have not come back; none of them is begun a second time */
  const underWay = new Set<string>();
  let closed = false;

  /** Begins to listen where no process does. Called again and again; a great number is gone through in turns. */
  async function look(): Promise<void> {
    if (names.length === 0 || closed) return;
    for (const { inbox } of active.values()) await alone(inbox.id, { inboxId: inbox.id }, () => stopIfChanged(inbox));
    for (const place of store.places()) {
      let rows: Found[] = [];
      await alone(place.name, { place: place.name }, async () => {
        rows = await lookAt(place);
      });
      for (const row of rows) await alone(row.id, { inboxId: row.id }, () => takeFound(row));
    }
  }

  /** One that fails keeps no other back. It is logged when that begins, not at every look. */
  async function alone(name: string, about: object, step: () => Promise<void>): Promise<void> {
    if (underWay.has(name)) return;
    underWay.add(name);
    try {
      await within(
        lookMs,
        step().finally(() => underWay.delete(name)),
      );
      failing.delete(name);
    } catch (error) {
      if (!failing.has(name))
        log[isConnectionLoss(error) ? 'debug' : 'warn']({ err: error, ...about }, 'a look for listeners failed');
      failing.add(name);
    }
  }

  async function lookAt(place: Place): Promise<Found[]> {
    const { rows } = await place.asSystem((tx) =>
      tx.execute<Found>(sql`
          select id, workspace_id from inboxes where channel = any(${sql.param(names)}::text[]) and deleted_at is null
            and status in ('connected', 'failing') and ${isFree(sql`listener_until`)}
            and id > ${lookedTo.get(place.name) ?? FIRST_ID}::uuid order by id limit ${perLook}`),
    );
    const last = rows.at(-1);
    if (last && rows.length === perLook) lookedTo.set(place.name, last.id);
    else lookedTo.delete(place.name);
    return rows.filter(({ id }) => !active.has(id) && (waits.get(id)?.until ?? 0) <= Date.now());
  }

  async function takeFound(row: Found): Promise<void> {
    const inbox = await deps.inboxes.byId(row.workspace_id, row.id);
    if (inbox) await take(inbox);
  }

  /** Other credentials, or none: the listener begins anew with them, or ends. */
  async function stopIfChanged(inbox: InboxRuntime): Promise<void> {
    const now = await deps.inboxes.byId(inbox.workspaceId, inbox.id);
    const same =
      now && now.status !== 'disabled' && JSON.stringify(now.credentials) === JSON.stringify(inbox.credentials);
    if (!same) active.get(inbox.id)?.stop.abort();
  }

  async function take(inbox: InboxRuntime): Promise<void> {
    const [row] = await store.once<{ token: string | number; cursor: unknown }>(
      inbox.workspaceId,
      sql`update inboxes set listener_token = listener_token + 1, listener_until = ${ahead(LEASE_MS)}
          where id = ${inbox.id}::uuid and ${isFree(sql`listener_until`)} and deleted_at is null
          returning listener_token as token, listener_cursor as cursor`,
    );
    if (!row || closed) return;
    const token = Number(row.token);
    const stop = new AbortController();
    const ended = run(inbox, token, row.cursor ?? undefined, stop).finally(() => active.delete(inbox.id));
    active.set(inbox.id, { inbox, token, stop, ended });
  }

  const mine = (inbox: InboxRuntime, token: number) =>
    sql`id = ${inbox.id}::uuid and listener_token = ${token} and listener_until is not null`;

  async function renew(inbox: InboxRuntime, token: number): Promise<boolean> {
    const rows = await store.once(
      inbox.workspaceId,
      sql`update inboxes set listener_until = ${ahead(LEASE_MS)} where ${mine(inbox, token)} returning id`,
    );
    return rows.length === 1;
  }

  async function run(inbox: InboxRuntime, token: number, cursor: unknown, stop: AbortController): Promise<void> {
    const stopRenewal = keepRenewed(
      async () => {
        if (!(await renew(inbox, token))) stop.abort();
      },
      (error) => log.warn({ err: error, inboxId: inbox.id }, 'the lease of a listener was not renewed'),
    );
    try {
      const { channel, http, credentials } = await deps.clientOf(inbox);
      const intake = channel.intake as ListenerIntake<unknown>;
      await intake.listen(
        {
          credentials,
          cursor,
          http,
          receive: async ({ events, skipped }, next) => {
            // Before it is stored: a holder that was paused past its lease brings nothing, and its successor brings it all.
            if (!(await renew(inbox, token))) throw new Error('another process listens for this inbox');
            noteSkipped({ metrics, log }, inbox, skipped);
            await deps.receive(inbox, events);
            await store.once(
              inbox.workspaceId,
              sql`update inboxes set listener_cursor = ${storedJson(next)}::jsonb where ${mine(inbox, token)}`,
            );
            waits.delete(inbox.id);
          },
        },
        stop.signal,
      );
      if (!stop.signal.aborted) throw new Error('the listener ended by itself');
    } catch (error) {
      if (!stop.signal.aborted) {
        const ms = Math.min((waits.get(inbox.id)?.ms ?? FIRST_WAIT_MS / 2) * 2, LONGEST_WAIT_MS);
        waits.set(inbox.id, { until: Date.now() + ms, ms });
        log.warn({ err: error, inboxId: inbox.id, againInMs: ms }, 'a listener failed');
      }
    } finally {
      stopRenewal();
      await store
        .once(inbox.workspaceId, sql`update inboxes set listener_until = null where ${mine(inbox, token)}`)
        .catch((error: unknown) => log.debug({ err: error }, 'a lease was not given back'));
    }
  }

  return {
    look,
    /** Gives every inbox back, so that another process has it at once. */
    async close(): Promise<void> {
      closed = true;
      const all = [...active.values()];
      for (const { stop } of all) stop.abort();
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}
