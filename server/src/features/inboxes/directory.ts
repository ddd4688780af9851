import { and, eq, isNull, sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { ChannelName, Inbox, InboxSettings } from '@parley/contract';
import { inboxes } from '../../db/schema/index.ts';
import { createCache } from '../../platform/limits/cache.ts';
import type { Keyring } from '../../platform/security/crypto.ts';
import type { Place, Store } from '../../platform/data/tenant.ts';
import { RESYNC } from '../../platform/cluster/wake.ts';
import type { Wake } from '../../platform/cluster/wake.ts';
import { openCredentials } from './credentials.ts';
import { fullSettings } from './settings.ts';
import { INBOX_CHANGED } from './topics.ts';

// Foreign tables: placed_inboxes. The directory of inboxes of all places.

/** An inbox as the path of a message needs it. `credentials` are what the inbox's channel parses. */
export type InboxRuntime = {
  id: string;
  workspaceId: string;
  name: string;
  channel: ChannelName;
  botId: string | null;
  token: string;
  credentials: unknown;
  settings: InboxSettings;
  /** disabled inboxes are found too: what they still do is the caller's decision */
  status: Inbox['status'];
};

export type InboxDirectory = {
  /** By the public token, before a workspace is known. Null for tokens nobody has. @throws DecryptError */
  byToken(token: string): Promise<InboxRuntime | null>;
  /** Whether a look for the token costs the database nothing. */
  remembers(token: string): boolean;
  /** Those of any workspace whose credentials are for this account of the platform. @throws DecryptError */
  byExternalId(channel: ChannelName, externalId: string): Promise<InboxRuntime[]>;
  /** Null also for an inbox of another workspace. @throws DecryptError */
  byId(workspaceId: string, id: string): Promise<InboxRuntime | null>;
};

/** `byToken` for whoever comes from that address. @throws too many requests, see guesses.ts */
export type FindInbox = (token: string, address: string) => Promise<InboxRuntime | null>;

const TOKEN = /^[A-Za-z0-9_-]{8,64}$/;

/** What the website around a chat signs its visitors with; null where none was made. */
export function identitySecretOf(credentials: unknown): string | null {
  const secret: unknown = Reflect.get(Object(credentials), 'identitySecret');
  return typeof secret === 'string' ? secret : null;
}

/** Inboxes by token and id: read once in `ttlMs` milliseconds, or again after a change. */
export function createInboxDirectory(parts: {
  store: Store;
  keyring: Keyring;
  wake: Wake;
  ttlMs: number;
}): InboxDirectory {
  const { store, keyring, wake, ttlMs } = parts;
  // A token never moves to another inbox, so only the second cache has to hear of changes.
  const ids = createCache<{ id: string | null }>({ max: 10_000, ttlMs });
  const runtimes = createCache<{ inbox: InboxRuntime | null }>({ max: 10_000, ttlMs });
  // Guessed tokens cost one query each, then nothing for a moment; their number is bounded.
  const unknown = createCache<{ known: false }>({ max: 10_000, ttlMs: 10_000 });
  // Of accounts, those nobody has are remembered, too: a shared address gets events of every number of the app.
  const accounts = createCache<{ found: string[] }>({ max: 10_000, ttlMs: 10_000 });
  wake.on(INBOX_CHANGED, (id) => {
    runtimes.delete(id);
    accounts.clear();
  });
  wake.on(RESYNC, () => {
    for (const cache of [ids, runtimes, unknown, accounts]) cache.clear();
  });

  const columns = {
    id: inboxes.id,
    workspaceId: inboxes.workspaceId,
    name: inboxes.name,
    channel: inboxes.channel,
    botId: inboxes.botId,
    token: inboxes.token,
    credentials: inboxes.credentials,
    settings: inboxes.settings,
    status: inboxes.status,
  };

  /** As system: before the workspace is known. Those of workspaces that live elsewhere are in a directory. */
  async function find(where: SQL, inDirectory: SQL) {
    const rowOf = async (place: Pick<Place, 'asSystem'>) => {
      const [row] = await place.asSystem((tx) =>
        tx
          .select(columns)
          .from(inboxes)
          .where(and(where, isNull(inboxes.deletedAt))),
      );
      return row;
    };
    const shared = await rowOf(store);
    if (shared) return shared;
    const { rows } = await store.asSystem((tx) =>
      tx.execute<{ workspace: string }>(sql`select workspace from placed_inboxes where ${inDirectory}`),
    );
    return rows[0] && rowOf(await store.placeOf(rows[0].workspace));
  }

  // What is kept does not depend on who asked; byId compares the workspace on every call.
  const load = (id: string) =>
    runtimes.load(id, async () => {
      const row = await find(eq(inboxes.id, id), sql`id = ${id}::uuid`);
      if (!row) return { inbox: null };
      return {
        inbox: { ...row, credentials: openCredentials(keyring, row), settings: fullSettings(row.name, row.settings) },
      };
    });

  async function idOf(token: string): Promise<string | null> {
    const { id } = await ids.load(token, async () => {
      const row = await find(eq(inboxes.token, token), sql`token = ${token}`);
      return { id: row?.id ?? null };
    });
    if (id === null) {
      ids.delete(token);
      unknown.set(token, { known: false });
    }
    return id;
  }

  return {
    remembers: (token) => !TOKEN.test(token) || unknown.get(token) !== undefined || ids.get(token) !== undefined,
    async byToken(token) {
      if (!TOKEN.test(token) || unknown.get(token)) return null;
      const id = await idOf(token);
      return id ? (await load(id)).inbox : null;
    },
    async byExternalId(channel, externalId) {
      const { found } = await accounts.load(`${channel} ${externalId}`, async () => {
        const looks = await Promise.allSettled(
          store.places().map((place) =>
            place.asSystem((tx) =>
              tx
                .select({ id: inboxes.id })
                .from(inboxes)
                .where(
                  and(eq(inboxes.channel, channel), eq(inboxes.externalId, externalId), isNull(inboxes.deletedAt)),
                ),
            ),
          ),
        );
        const all = looks.flatMap((look) => (look.status === 'fulfilled' ? look.value.map(({ id }) => id) : []));
        // Maybe it lives where nothing can be asked at present: the platform is to come again.
        const away = looks.find((look) => look.status === 'rejected');
        if (all.length === 0 && away) throw away.reason;
        return { found: [...new Set(all)] };
      });
      const loaded = await Promise.all(found.map(load));
      return loaded.flatMap(({ inbox }) => inbox ?? []);
    },
    async byId(workspaceId, id) {
      const { inbox } = await load(id);
      return inbox?.workspaceId === workspaceId ? inbox : null;
    },
  };
}
