import type { Client } from 'pg';
import type { Keyring } from '../platform/security/crypto.ts';
import type { Database } from '../platform/data/index.ts';
import { inTransaction } from '../platform/data/transaction.ts';
import { advanceNumbers, bringInLine, copyAll, isEmpty, removeAll, summarize } from './copy.ts';
import type { Copying, Side } from './copy.ts';
import { setFence } from './fence.ts';
import { MoveError } from './errors.ts';
import { alone } from './connections.ts';
import type { MoveConnections } from './connections.ts';
import { assertAnother, asSystem, prepareDatabase } from './own-database.ts';
import { createOwnSchema, schemaOf } from './own-schema.ts';
import { forgetIfPlain, note, readRow } from './rows.ts';
import type { Kind } from '../platform/data/placing.ts';
import type { PlacementRow } from './rows.ts';
import { makeMovable, quoteName, readTenantTables } from './tables.ts';
import type { TenantTable } from './tables.ts';

// Foreign tables: workspaces. A database of a workspace’s own has its people beside it.

export { MoveError } from './errors.ts';

export type Moved = { rows: number; tables: { name: string; rows: number; checksum: string }[]; frozenMs: number };

/** Differences left after a round over a workspace that is worked on; below, the rest is for the freeze. */
const FEW = 500;
const ROUNDS = 5;

/**
 * Moves workspaces between the shared tables, schemas of their own and databases of their own. Copying goes on beside the work of the workspace;
 * then it is frozen, brought in line, verified on both sides by count and checksum, and switched with one row. The old
 * rows stay, so that a move back copies what changed since. Everything can be called again after an interruption.
 */
export function createMover(parts: {
  database: Database;
  /** tells all processes that the placement of a workspace changed; it must be heard before they act on the old one */
  announce: (workspaceId: string) => Promise<void>;
  /** seals the addresses of databases of workspaces' own, and opens them */
  keyring?: Keyring;
  say?: (line: string) => void;
}) {
  const { database, announce, keyring, say = () => undefined } = parts;

  const sealed = (workspaceId: string, address: string): string => {
    if (!keyring) throw new MoveError('there are no keys to seal the address of a database with');
    return keyring.encrypt(address, workspaceId);
  };
  const opened = (row: PlacementRow): string => {
    if (!keyring || !row.address) throw new MoveError('this workspace has no database of its own');
    return keyring.decrypt(row.address, row.workspace);
  };

  async function requireWorkspace(client: Client, workspaceId: string): Promise<void> {
    const find = () => client.query('select from workspaces where id = $1', [workspaceId]);
    const { rows } = await asSystem(client, find);
    if (rows.length === 0) throw new MoveError('there is no such workspace');
  }

  /**
   * The fences as the rows want them: of the shared tables, and of the workspace's own schema.
   * @param takes a place that takes the workspace already, since nobody goes there yet
   */
  async function fence(
    connections: MoveConnections,
    workspaceId: string,
    tables: TenantTable[],
    takes?: Kind,
  ): Promise<void> {
    const { client } = connections;
    // The fence of the shared tables is one for all workspaces: two moves at once must not undo each other's.
    await connections.inTurn(async () => {
      const { rows } = await client.query<PlacementRow>('select * from placements');
      const ids = (fits: (row: PlacementRow) => boolean): string[] =>
        rows.filter(fits).map(({ workspace }) => workspace);
      await setFence(client, 'public', tables, {
        frozen: ids(({ kind, step }) => kind === 'shared' && step === 'frozen'),
        away: ids(({ kind, workspace }) => kind !== 'shared' && !(takes === 'shared' && workspace === workspaceId)),
        arriving: ids(({ target, step }) => target === 'shared' && step === 'frozen'),
      });
      const row = rows.find(({ workspace }) => workspace === workspaceId);
      for (const kind of ['schema', 'database'] as const) {
        if (!row || !(kind === 'schema' ? row.schema_name : row.address)) continue;
        const side = await sideOf(connections, row, kind, client);
        await setFence(side.client, side.schema, tables, {
          frozen: row.kind === kind && row.step === 'frozen' ? [workspaceId] : [],
          away: row.kind === kind || takes === kind ? [] : [workspaceId],
          // Nobody looks into a place of its own before the workspace lives there.
          arriving: [],
        });
      }
    });
  }

  /** @throws MoveError for what is most often a slip in the address; it never quotes it, since it holds a password */
  async function reach(connections: MoveConnections, address: string): Promise<Client> {
    try {
      return await connections.own(address);
    } catch (error) {
      const reason = error instanceof Error ? error.message || ('code' in error ? String(error.code) : error.name) : '';
      throw new MoveError(`its database cannot be used: ${reason}`);
    }
  }

  async function sideOf(connections: MoveConnections, row: PlacementRow, kind: Kind, client: Client): Promise<Side> {
    if (kind === 'database') return { client: await connections.own(opened(row)), schema: 'public' };
    if (kind === 'schema' && row.schema_name) return { client, schema: row.schema_name };
    return { client, schema: 'public' };
  }

  async function prepare(
    connections: MoveConnections,
    row: PlacementRow,
    to: Kind,
    tables: TenantTable[],
  ): Promise<void> {
    const { client } = connections;
    await makeMovable(client, 'public', tables);
    if (to !== 'schema' || !row.schema_name) return;
    const { schema_name: schema } = row;
    const { rows } = await client.query('select from pg_namespace where nspname = $1', [schema]);
    if (rows.length === 0) await inTransaction(client, () => createOwnSchema(client, schema, tables));
  }

  /** Copies beside the running work until little is left. */
  async function copyBeside(copying: Copying): Promise<number> {
    let changed = 0;
    if (await isEmpty(copying.to, copying.workspaceId, copying.tables)) changed = await copyAll(copying);
    say(`copied ${changed} rows`);
    for (let round = 1; round <= ROUNDS; round++) {
      const differences = await bringInLine(copying);
      changed += differences;
      say(`brought ${differences} changed rows in line`);
      if (differences < FEW) break;
    }
    return changed;
  }

  async function verify(copying: Copying): Promise<Moved['tables']> {
    const { workspaceId, tables, from, to } = copying;
    const [source, target] = [await summarize(from, workspaceId, tables), await summarize(to, workspaceId, tables)];
    const result: Moved['tables'] = [];
    for (const { name } of tables) {
      const [one, other] = [source.get(name), target.get(name)];
      if (!one || !other || one.rows !== other.rows || one.checksum !== other.checksum)
        throw new MoveError(
          `${name} is not the same on both sides: ${one?.rows ?? 0} rows (${one?.checksum ?? ''}), copied ${other?.rows ?? 0} (${other?.checksum ?? ''})`,
        );
      result.push({ name, ...one });
    }
    return result;
  }

  /** The one moment that counts: afterwards the workspace lives at the target. */
  async function switchOver(connections: MoveConnections, row: PlacementRow, to: Kind, target: Side): Promise<void> {
    const { client } = connections;
    const inboxes = to === 'shared' ? [] : await inboxesAt(target, row.workspace);
    await inTransaction(client, async () => {
      await client.query('delete from placed_inboxes where workspace = $1', [row.workspace]);
      await client.query(`select set_config('app.workspace_id', $1, true)`, [row.workspace]);
      await client.query(
        `insert into placed_inboxes (id, workspace, token)
         select r.id, $1, r.token from json_to_recordset($2) as r(id uuid, token text)`,
        [row.workspace, JSON.stringify(inboxes)],
      );
      // A fact is handed on once: from where the workspace lives.
      if (row.kind === 'shared')
        await client.query('delete from public.outbox where workspace_id = $1', [row.workspace]);
      await note(client, row.workspace, { kind: to, target: null, step: 'switched', kept: row.kind });
    });
  }

  async function inboxesAt({ client, schema }: Side, workspaceId: string): Promise<unknown[]> {
    return inTransaction(
      client,
      async () => {
        await client.query(`select set_config('app.workspace_id', $1, true)`, [workspaceId]);
        return (await client.query(`select id, token from ${quoteName(schema)}.inboxes`)).rows;
      },
      'begin read only',
    );
  }

  /** The end of a move that was switched, perhaps by a command that died: the old place is closed for good. */
  async function settle(connections: MoveConnections, workspaceId: string): Promise<PlacementRow | undefined> {
    const { client } = connections;
    const row = await readRow(client, workspaceId);
    if (row?.step !== 'switched') return row;
    await announce(workspaceId);
    await fence(connections, workspaceId, await readTenantTables(client));
    return note(client, workspaceId, { step: 'settled' });
  }

  /** Ends a move that was not switched: the workspace goes on where it is. */
  async function undo(connections: MoveConnections, row: PlacementRow, tables: TenantTable[]): Promise<void> {
    const { client } = connections;
    await note(client, row.workspace, { target: null, step: 'settled' });
    if (row.kind === 'shared') await client.query('delete from placed_inboxes where workspace = $1', [row.workspace]);
    await fence(connections, row.workspace, tables);
    await announce(row.workspace);
    // What was copied is worth nothing, unless it is kept from an earlier move.
    if (row.target === 'schema' && row.kept !== 'schema' && row.schema_name)
      await client.query(`drop schema if exists ${quoteName(row.schema_name)} cascade`);
    if (row.target === 'database') await assertAnother(await connections.own(opened(row)), client);
    if ((row.target === 'shared' || row.target === 'database') && row.kept !== row.target)
      await removeAll(await sideOf(connections, row, row.target, client), row.workspace, tables);
    if (row.target === 'database' && row.kept !== 'database') await note(client, row.workspace, { address: null });
    await forgetIfPlain(client, row.workspace);
  }

  async function list(): Promise<PlacementRow[]> {
    return database.asOwner(
      async (client) => (await client.query<PlacementRow>('select * from placements order by changed_at')).rows,
    );
  }

  return {
    /**
     * Moves the workspace, or goes on with a move to the same place that was interrupted.
     * @throws MoveError when it is there already, or moving elsewhere, or when both sides are not the same; nothing is
     *   switched then, and what was copied is gone again
     */
    async move(workspaceId: string, to: Kind, address?: string): Promise<Moved> {
      return alone(database, workspaceId, async (connections) => {
        const { client, other } = connections;
        await requireWorkspace(client, workspaceId);
        const found = await settle(connections, workspaceId);
        if (found && found.step !== 'settled' && found.target !== to)
          throw new MoveError(`a move to ${found.target} was interrupted: finish it, or undo it first`);
        if ((found?.kind ?? 'shared') === to) throw new MoveError(`this workspace lives there already (${to})`);
        if (found?.kept && found.kept !== to)
          throw new MoveError(`rows of before are kept in ${found.kept}: go back, or finish that move first`);
        if (to === 'database' && database.kind === 'embedded')
          throw new MoveError('a database of its own needs DATABASE_URL');
        if (to === 'database' && !address && !found?.address)
          throw new MoveError('the address of its database is missing');
        if (address && found?.address && opened(found) !== address)
          throw new MoveError('rows of this workspace are in another database of its own: finish that move first');
        // Before anything is noted: what cannot be used is never touched, nor cleaned up after.
        if (to === 'database') {
          const where = address ?? (found && opened(found)) ?? '';
          await prepareDatabase(await reach(connections, where), client, workspaceId);
        }
        const row = await note(client, workspaceId, {
          address: found?.address ?? (to === 'database' && address ? sealed(workspaceId, address) : null),
          target: to,
          step: found?.step === 'frozen' ? 'frozen' : 'copying',
          schema_name: found?.schema_name ?? (to === 'schema' ? schemaOf(workspaceId) : null),
        });
        const tables = await readTenantTables(client);
        try {
          await prepare(connections, row, to, tables);
          const from = await sideOf(connections, row, row.kind, client);
          const copying = { workspaceId, tables, from, to: await sideOf(connections, row, to, other) };
          let changed = row.step === 'copying' ? await copyBeside(copying) : 0;

          const frozenAt = performance.now();
          await note(client, workspaceId, { step: 'frozen' });
          await announce(workspaceId);
          say('frozen: nothing can be written until it is through');
          await fence(connections, workspaceId, tables);
          changed += await bringInLine(copying);
          await advanceNumbers(copying);
          const verified = await verify(copying);
          await fence(connections, workspaceId, tables, to);
          await switchOver(connections, row, to, copying.to);
          await settle(connections, workspaceId);
          const frozenMs = Math.round(performance.now() - frozenAt);
          say(`moved; nothing could be written for ${frozenMs} ms`);
          return { rows: changed, tables: verified, frozenMs };
        } catch (error) {
          // A connection that is lost leaves the move to be gone on with; anything else ends it.
          const now = await readRow(client, workspaceId);
          if (now?.target) await undo(connections, now, tables);
          throw error;
        }
      });
    },

    /** Gives up a move that was interrupted. @throws MoveError when there is none */
    async undo(workspaceId: string): Promise<void> {
      await alone(database, workspaceId, async (connections) => {
        const { client } = connections;
        const row = await readRow(client, workspaceId);
        if (!row?.target) throw new MoveError('this workspace is not being moved');
        await undo(connections, row, await readTenantTables(client));
      });
    },

    /** Forgets the rows of before the move: there is no way back then but another move. @throws MoveError */
    async finish(workspaceId: string): Promise<void> {
      await alone(database, workspaceId, async (connections) => {
        const { client } = connections;
        const row = await settle(connections, workspaceId);
        if (!row?.kept || row.step !== 'settled') throw new MoveError('no rows of an earlier place are kept');
        const tables = await readTenantTables(client);
        if (row.kept === 'shared') await removeAll({ client, schema: 'public' }, workspaceId, tables);
        if (row.kept === 'schema' && row.schema_name) {
          await client.query(`drop schema if exists ${quoteName(row.schema_name)} cascade`);
          await note(client, workspaceId, { schema_name: null });
        }
        if (row.kept === 'database') {
          await removeAll(await sideOf(connections, row, 'database', client), workspaceId, tables);
          await note(client, workspaceId, { address: null });
        }
        await note(client, workspaceId, { kept: null });
        await forgetIfPlain(client, workspaceId);
        await announce(workspaceId);
      });
    },

    /** Where the rows of before the last move are. */
    async keptAt(workspaceId: string): Promise<Kind | null> {
      return database.asOwner(async (client) => (await readRow(client, workspaceId))?.kept ?? null);
    },

    list,

    /**
     * Sets a workspace free whose mover died while it was frozen: its move is back to copying, to be gone on with or
     * undone. Also puts the fences right of a move that died between its switch and its end.
     */
    async freeAbandoned(): Promise<void> {
      for (const { workspace, step } of await list()) {
        if (step !== 'frozen' && step !== 'switched') continue;
        try {
          await alone(database, workspace, async (connections) => {
            const { client } = connections;
            const row = await settle(connections, workspace);
            if (row?.step !== 'frozen') return;
            await note(client, workspace, { step: 'copying' });
            await fence(connections, workspace, await readTenantTables(client));
            await announce(workspace);
          });
        } catch (error) {
          if (!(error instanceof MoveError)) throw error;
        }
      }
    },
  };
}

export type Mover = ReturnType<typeof createMover>;
