import { sql } from 'drizzle-orm';
import type { Channel, ListenerIntake } from '../channels/contract.ts';
import { channels } from '../channels/registry.ts';
import type { InboxDirectory, InboxRuntime } from '../features/inboxes/lookup.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import { storedJson } from '../platform/data/stored-json.ts';
import type { Store } from '../platform/data/tenant.ts';
import type { ClientOf } from './deliver.ts';
import type { Receive } from './receive.ts';

// Foreign tables: inboxes. The lease and the cursor stand on the row of what is listened for.
// Real time: leases and tries.

const LEASE_MS = 6_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

type Held = { inbox: InboxRuntime; token: number; stop: AbortController; ended: Promise<void> };

/**
 * Listens for the inboxes whose channels are asked for events rather than called. One process of the fleet has an inbox at
 * a time, by a lease with a fencing token on its row; the cursor stands there, too, and moves only with the lease. A holder
 * that dies is replaced when its lease runs out.
 */
export function createListeners(parts: {
  store: Store;
  log: Logger;
  inboxes: Pick<InboxDirectory, 'byId'>;
  receive: Receive;
  clientOf: ClientOf;
  listening?: readonly Channel[];
}) {
  const { store, log } = parts;
  const listening = parts.listening ?? Object.values(channels).filter(({ intake }) => intake?.kind === 'listener');
  const names = listening.map(({ name }) => name);
  const held = new Map<string, Held>();
  /** after a failure, not before */
  const waits = new Map<string, { until: number; ms: number }>();
  let closed = false;

  /** Takes what nobody listens for. Called again and again. */
  async function look(): Promise<void> {
    if (names.length === 0 || closed) return;
    for (const { inbox } of held.values()) await letGoOfChanged(inbox);
    for (const place of store.places()) {
      const { rows } = await place.asSystem((tx) =>
        tx.execute<{ id: string; workspace_id: string }>(sql`
          select id, workspace_id from inboxes where channel = any(${sql.param(names)}::text[]) and deleted_at is null
            and status in ('connected', 'failing') and (listener_until is null or listener_until < now()) limit 500`),
      );
      for (const row of rows) {
        const wait = waits.get(row.id);
        if (held.has(row.id) || (wait && wait.until > Date.now())) continue;
        const inbox = await parts.inboxes.byId(row.workspace_id, row.id);
        if (inbox) await take(inbox);
      }
    }
  }

  /** Other credentials, or none: the listener begins anew with them, or ends. */
  async function letGoOfChanged(inbox: InboxRuntime): Promise<void> {
    const now = await parts.inboxes.byId(inbox.workspaceId, inbox.id);
    const same =
      now && now.status !== 'disabled' && JSON.stringify(now.credentials) === JSON.stringify(inbox.credentials);
    if (!same) held.get(inbox.id)?.stop.abort();
  }

  async function take(inbox: InboxRuntime): Promise<void> {
    const [row] = await store.once<{ token: string | number; cursor: unknown }>(
      inbox.workspaceId,
      sql`update inboxes set listener_token = listener_token + 1, listener_until = now() + make_interval(secs => ${LEASE_MS / 1_000})
          where id = ${inbox.id}::uuid and (listener_until is null or listener_until < now()) and deleted_at is null
          returning listener_token as token, listener_cursor as cursor`,
    );
    if (!row || closed) return;
    const token = Number(row.token);
    const stop = new AbortController();
    const ended = run(inbox, token, row.cursor ?? undefined, stop).finally(() => held.delete(inbox.id));
    held.set(inbox.id, { inbox, token, stop, ended });
  }

  const mine = (inbox: InboxRuntime, token: number) =>
    sql`id = ${inbox.id}::uuid and listener_token = ${token} and listener_until is not null`;

  async function renew(inbox: InboxRuntime, token: number): Promise<boolean> {
    const rows = await store.once(
      inbox.workspaceId,
      sql`update inboxes set listener_until = now() + make_interval(secs => ${LEASE_MS / 1_000}) where ${mine(inbox, token)} returning id`,
    );
    return rows.length === 1;
  }

  async function run(inbox: InboxRuntime, token: number, cursor: unknown, stop: AbortController): Promise<void> {
    const renewal = setInterval(() => {
      renew(inbox, token).then(
        (still) => {
          if (!still) stop.abort();
        },
        (error: unknown) => log.warn({ err: error, inboxId: inbox.id }, 'the lease of a listener was not renewed'),
      );
    }, LEASE_MS / 3);
    try {
      const { channel, http, credentials } = await parts.clientOf(inbox);
      const intake = channel.intake as ListenerIntake<unknown>;
      await intake.listen(
        {
          credentials,
          cursor,
          http,
          receive: async ({ events, skipped }, next) => {
            // Before it is stored: a holder that was paused past its lease brings nothing, and its successor brings it all.
            if (!(await renew(inbox, token))) throw new Error('another process listens for this inbox');
            for (const reason of skipped)
              log.warn({ inboxId: inbox.id, channel: channel.name, reason }, 'an item was skipped');
            await parts.receive(inbox, events);
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
      clearInterval(renewal);
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
      const all = [...held.values()];
      for (const { stop } of all) stop.abort();
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}
