import type { ClientBase } from 'pg';
import type { Keyring } from '../platform/security/crypto.ts';
import type { Database } from '../platform/data/index.ts';
import { MIGRATIONS, MigrationError } from '../platform/data/index.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import { migrate, migrateSchema } from '../platform/data/migrate.ts';
import { isConnectionLoss } from '../platform/telemetry/outage.ts';
import { CONTROL_TABLES } from '../db/control-tables.ts';
import type { WatchedPools } from './watched-pools.ts';

const OWN_DATABASE = 'a database of its own';

/**
 * Brings the schemas of single workspaces to the version of the shared one, which goes first. One after the other, each
 * with a record of its own: where one fails the start ends with its name, and the next start goes on from there.
 *
 * @param options.away is told of a database of a workspace's own that cannot be reached, which is left out then: what is
 *   the trouble of one workspace keeps no other from starting. Without it that is an error, too.
 * @param options.only these workspaces' databases, and nothing else
 * @returns the migrations applied now, by workspace
 * @throws MigrationError in one line that names the workspace
 */
export async function migratePlacements(
  database: Database,
  options: {
    keyring?: Keyring;
    contract?: boolean;
    folder?: string;
    away?: (workspaceId: string, error: unknown) => void;
    only?: string[];
  } = {},
): Promise<Map<string, string[]>> {
  const { keyring, contract = database.kind === 'embedded', folder = MIGRATIONS, away, only } = options;
  return database.asOwner(async (client) => {
    // Also schemas that are kept, or being filled: they must be fit to live in again.
    const { rows } = await client.query<{ workspace: string; schema: string }>(
      `select p.workspace, p.schema_name as schema from placements p join pg_namespace n on n.nspname = p.schema_name order by 1`,
    );
    const all = new Map<string, string[]>();
    async function note(workspace: string, place: string, work: () => Promise<string[]>): Promise<void> {
      try {
        const applied = await work();
        if (applied.length > 0) all.set(workspace, applied);
      } catch (error) {
        if (place === OWN_DATABASE && away && isConnectionLoss(error)) return away(workspace, error);
        const reason = error instanceof Error ? error.message : String(error);
        throw new MigrationError(`workspace ${workspace} (${place}): ${reason}`, error);
      }
    }
    for (const { workspace, schema } of only ? [] : rows)
      await note(workspace, `schema ${schema}`, async () => {
        const applied = await migrateSchema(client, folder, schema, { contract });
        await assertAlike(client, schema);
        return applied;
      });
    const { rows: databases } = await client.query<{ workspace: string; address: string }>(
      `select workspace, address from placements where kind = 'database' order by 1`,
    );
    for (const { workspace, address } of databases) {
      if (only && !only.includes(workspace)) continue;
      await note(workspace, OWN_DATABASE, async () => {
        if (!keyring) throw new Error('there are no keys to open its address with');
        return database.asOwner(
          async (own) => {
            const applied = await migrate(own, folder, { contract });
            await own.query('select make_partitions()');
            return applied;
          },
          keyring.decrypt(address, workspace),
        );
      });
    }
    return all;
  });
}

/** A migration that forgot the schemas of single workspaces is found here, and not by the workspace. */
async function assertAlike(client: ClientBase, schema: string): Promise<void> {
  const { rows } = await client.query<{ what: string }>(
    `with columns as (
       select c.relnamespace::regnamespace::text as place, c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) as what
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       where c.relnamespace in ('public'::regnamespace, $1::regnamespace) and c.relkind in ('r', 'p') and not c.relispartition
         and coalesce(obj_description(c.oid, 'pg_class'), '') !~ '^retired ' and c.relname <> all ($2::text[])
         and exists (select from pg_attribute w where w.attrelid = c.oid and w.attname = 'workspace_id' and not w.attisdropped))
     select what from columns group by what having count(*) <> 2 order by what limit 5`,
    [schema, CONTROL_TABLES],
  );
  if (rows.length > 0)
    throw new Error(
      `it is not like the shared tables: ${rows.map(({ what }) => what).join(', ')}; a part of a migration misses its mark "-- placement: everywhere"`,
    );
}

const AGAIN_MS = 10_000;

/**
 * Migrates the databases that were away at the start once they can be reached, and lets their workspaces in then.
 *
 * @param late workspaces; those that are done are taken out of it
 */
export function migrateLate(parts: {
  database: Database;
  keyring: Keyring;
  late: Set<string>;
  log: Logger;
  pools: Pick<WatchedPools, 'bar' | 'open'>;
}): { close(): void } {
  const { database, keyring, late, log, pools } = parts;
  for (const workspaceId of late) pools.bar(workspaceId);
  let underWay = false;
  async function again(): Promise<void> {
    for (const workspaceId of [...late]) {
      let isAway = false;
      try {
        await migratePlacements(database, { keyring, only: [workspaceId], away: () => (isAway = true) });
      } catch (error) {
        log[isConnectionLoss(error) ? 'debug' : 'error']({ err: error, workspaceId }, 'a database was not migrated');
        continue;
      }
      if (isAway) continue;
      late.delete(workspaceId);
      pools.open(workspaceId);
      log.info({ workspaceId }, 'the database of a workspace is back and at this version');
    }
    if (late.size === 0) clearInterval(timer);
  }
  const timer = setInterval(() => {
    if (underWay) return;
    underWay = true;
    void again().finally(() => (underWay = false));
  }, AGAIN_MS).unref();
  if (late.size === 0) clearInterval(timer);
  return { close: () => clearInterval(timer) };
}
