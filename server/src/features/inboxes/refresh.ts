import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { channels } from '../../channels/registry.ts';
import type { Channel, ChannelHttp } from '../../channels/contract.ts';
import type { Keyring } from '../../platform/security/crypto.ts';
import { unavailable } from '../../platform/errors.ts';
import { ahead, isFree, isHeld } from '../../platform/data/lease.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { inboxChanged } from './changes.ts';
import { sealCredentials } from './credentials.ts';
import type { InboxRuntime } from './directory.ts';

// Real time (5): platforms’ tokens and the lease on renewing them.

const LEASE_MS = 30_000;
const LOOK_MS = 200;

type Parts = {
  store: Store;
  keyring: Keyring;
  publish: Publish;
  channelOf?: (inbox: InboxRuntime) => Channel;
  http: (inbox: InboxRuntime) => ChannelHttp;
};

/**
 * The credentials an inbox is used with now. Where a channel's run out, they are renewed before: one process of the fleet
 * asks the platform, since a refresh token that is used twice takes the connection away; the others wait for what it writes.
 */
export function createCredentialRefresh(parts: Parts): (inbox: InboxRuntime) => Promise<unknown> {
  const { store, keyring, publish, channelOf = ({ channel }: InboxRuntime) => channels[channel], http } = parts;
  const underWay = new Map<string, Promise<unknown>>();

  async function renew(inbox: InboxRuntime, refresh: NonNullable<Channel['refresh']>): Promise<unknown> {
    const stored = (sealed: string): unknown => JSON.parse(keyring.decrypt(sealed, inbox.id));
    const givesUpAt = Date.now() + LEASE_MS;
    for (;;) {
      const [mine] = await store.once<{ credentials: string; lease: string }>(
        inbox.workspaceId,
        sql`update inboxes set refreshing_until = ${ahead(LEASE_MS)}
            where id = ${inbox.id}::uuid and ${isFree(sql`refreshing_until`)}
            returning credentials, refreshing_until::text as lease`,
      );
      if (mine) {
        const held = sql`id = ${inbox.id}::uuid and ${isHeld(sql`refreshing_until`, mine.lease)}`;
        const current = stored(mine.credentials);
        try {
          if (!refresh.isDue(current, new Date())) return current;
          const next = await refresh.renew(current, http(inbox));
          const written = await store.once(
            inbox.workspaceId,
            sql`update inboxes set credentials = ${sealCredentials(keyring, inbox.id, next)}, refreshing_until = null
                where ${held} and credentials = ${mine.credentials} returning id`,
          );
          if (written.length > 0) {
            publish([inboxChanged(inbox.workspaceId, { inboxId: inbox.id })]);
            return next;
          }
        } finally {
          await store.once(inbox.workspaceId, sql`update inboxes set refreshing_until = null where ${held}`);
        }
      }
      // Another process renews them, or a person wrote other ones.
      const [row] = await store.once<{ credentials: string }>(
        inbox.workspaceId,
        sql`select credentials from inboxes where id = ${inbox.id}::uuid`,
      );
      const current = row && stored(row.credentials);
      if (current !== undefined && !refresh.isDue(current, new Date())) return current;
      if (Date.now() > givesUpAt) throw unavailable('The credentials of this inbox could not be renewed in time.', 5);
      await sleep(LOOK_MS);
    }
  }

  return async (inbox) => {
    const { refresh } = channelOf(inbox);
    if (!refresh?.isDue(inbox.credentials, new Date())) return inbox.credentials;
    const running = underWay.get(inbox.id) ?? renew(inbox, refresh).finally(() => underWay.delete(inbox.id));
    underWay.set(inbox.id, running);
    return running;
  };
}
