import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { quoteName } from './tables.ts';
import type { TenantTable } from './tables.ts';

/** Workspaces by id that a place must refuse. */
export type Fenced = {
  /** may be read, not written: their last rows are being copied */
  frozen: string[];
  /** live elsewhere; what is here is old */
  away: string[];
  /** are about to live here: what was copied is compared, and handed on by nobody before that is done */
  arriving: string[];
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const LOCK_NOT_AVAILABLE = '55P03';
const TRIES = 40;
/**
 * Facts of people and workspaces are written to the shared outbox wherever the workspace lives, and handed on from there:
 * it is closed only while it is copied.
 */
const OUTBOX = 'outbox';
/** A token is looked up by parley_system also while nothing may be written. */
const INBOXES = 'inboxes';

/**
 * Makes a place refuse workspaces, or take them again. The refusal is the tables' own: restrictive policies, which hold
 * for a process that was paused and knows nothing of the move as for any other. Where nothing moved there are no such
 * policies, and no statement pays for them.
 *
 * Making a policy waits for every transaction that has touched its table. When this returns, no earlier writer is left.
 *
 * @param client the owner's, outside of a transaction
 */
export async function setFence(
  client: ClientBase,
  schema: string,
  tables: TenantTable[],
  { frozen, away, arriving }: Fenced,
): Promise<void> {
  for (const { name } of tables) {
    const gone = name === OUTBOX ? [] : away;
    const closed = [...new Set([...frozen, ...gone])];
    const hidden = name === INBOXES ? away : name === OUTBOX ? [...new Set([...closed, ...arriving])] : closed;
    const table = `${quoteName(schema)}.${quoteName(name)}`;
    const forSystem = await isSeenBySystem(client, schema, name);
    const statements = [
      ...['moved_write', 'moved_delete', 'moved_system'].map((policy) => `drop policy if exists ${policy} on ${table}`),
      ...(closed.length > 0
        ? [
            `create policy moved_write on ${table} as restrictive to parley_app using (${elsewhere(gone)}) with check (${elsewhere(closed)})`,
            `create policy moved_delete on ${table} as restrictive for delete to parley_app using (${elsewhere(closed)})`,
          ]
        : []),
      ...(hidden.length > 0 && forSystem
        ? [
            `create policy moved_system on ${table} as restrictive to parley_system using (workspace_id <> all (${literal(hidden)}::uuid[]))`,
          ]
        : []),
    ];
    await patiently(client, statements.join('; '));
  }
}

/** A condition that is true for every workspace but those, which hear that they live elsewhere. */
function elsewhere(ids: string[]): string {
  if (ids.length === 0) return 'true';
  return `lower(coalesce(current_setting('app.workspace_id', true), '')) <> all (${literal(ids)}::text[]) or public.refuse_moved()`;
}

function literal(ids: string[]): string {
  for (const id of ids) if (!UUID.test(id)) throw new TypeError('a workspace id is a uuid');
  return `'{${ids.toSorted().join(',')}}'`;
}

async function isSeenBySystem(client: ClientBase, schema: string, name: string): Promise<boolean> {
  const { rows } = await client.query(
    `select from pg_policies where schemaname = $1 and tablename = $2 and 'parley_system' = any(roles)`,
    [schema, name],
  );
  return rows.length > 0;
}

/** Whoever waits for a table makes all others wait behind it: so only for a moment at a time. */
async function patiently(client: ClientBase, text: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await client.query(`begin; set local lock_timeout = '500ms'; ${text}; commit`);
      return;
    } catch (error) {
      await client.query('rollback');
      const isBusy = error instanceof Error && 'code' in error && error.code === LOCK_NOT_AVAILABLE;
      if (!isBusy || tries >= TRIES) throw error;
      await sleep(50 + Math.random() * 200);
    }
  }
}
