import { setTimeout as sleep } from 'node:timers/promises';
import { createTableRelationsHelpers, extractTablesRelationalConfig } from 'drizzle-orm';
import type { ExtractTablesWithRelations, SQL } from 'drizzle-orm';
import { NodePgSession, NodePgTransaction } from 'drizzle-orm/node-postgres';
import { PgDialect } from 'drizzle-orm/pg-core';
import type { Pool, PoolClient, QueryResultRow } from 'pg';
import * as schema from '../../db/schema/index.ts';
import { realClock } from '../clock/clock.ts';
import type { Clock } from '../clock/clock.ts';
import type { Database } from './index.ts';
import { isConnectionLoss } from '../telemetry/outage.ts';
import type { Asking, Placement, Placing } from './placing.ts';
import type { Replicas } from './replicas.ts';
import { createScopedQueries } from './scoped-query.ts';
import { STATEMENT_MS } from './statement-limits.ts';
import type { Planned } from './scoped-query.ts';

type Schema = typeof schema;
type Relations = ExtractTablesWithRelations<Schema>;

/**
 * A transaction. Everything of Drizzle's builder and `tx.execute(sql`…`)`; a nested `tx.transaction()` is a savepoint.
 * Only valid inside of the function it was given to: afterwards every statement is refused, because the connection
 * may by then serve another workspace.
 *
 * `now` is the business time at which it began: what it writes happened at one moment.
 */
export type Tx = NodePgTransaction<Schema, Relations> & { readonly now: Date };

export type Store = {
  /** The business time; in a transaction it is `tx.now`. */
  clock: Clock;
  /**
   * Runs `work` in one transaction with row-level security set to the workspace; commits its result, rolls back its
   * error. Setting the workspace costs no round trip of its own.
   *
   * `work` must be safe to run again: on a serialization failure or a deadlock (40001, 40P01) it is, up to twice,
   * in a fresh transaction. What leaves the database (sockets, HTTP, jobs) belongs after it, never inside.
   *
   * @param statementMs milliseconds one statement of it may take (default: what the connection allows)
   * @throws TypeError when `workspaceId` is no uuid, before anything is sent
   */
  inWorkspace<T>(workspaceId: string, work: (tx: Tx) => Promise<T>, statementMs?: number): Promise<T>;
  /**
   * The same for what only reads, and reads much: lists, searches, reports. It runs on a replica that is up to date where
   * there is one; a write in it fails everywhere. It sees everything that was committed before it began.
   */
  read<T>(workspaceId: string, work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * One statement in a transaction of its own under the workspace: the hot path's form of `inWorkspace`. What finds its rows
   * by keys is planned once, whatever its values; what searches is planned each time.
   */
  once<Row extends Record<string, unknown>>(workspaceId: string, query: SQL, planned?: Planned): Promise<Row[]>;
  /**
   * `inWorkspace` for people, workspaces and keys: their tables are in the shared database wherever the workspace lives.
   * A workspace with a database of its own sees the change there when this returns, or once that is back when it is away.
   */
  inControl<T>(workspaceId: string, work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Brings the people in line that databases of workspaces' own have beside them, and the directory of their inboxes;
   * those of one workspace, or of all.
   */
  mirror(workspaceId?: string): Promise<void>;
  /**
   * The same as the role parley_system, which sees the few tables and columns granted to it across all workspaces that
   * live in the shared tables; people, logins and workspaces are all there.
   */
  asSystem<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** `asSystem` once for each place workspaces live in, the shared tables first: for work that looks at all of them. */
  places(): Place[];
  /** The place of one workspace that lives elsewhere; looked up when this process has not heard of it yet. */
  placeOf(workspaceId: string): Promise<Place>;
  /**
   * One statement on its own as parley_app, where the workspace lives. It sets the workspace itself, or sees no tenant's
   * rows; without `workspaceId` it runs on the shared tables.
   */
  statement<Row extends QueryResultRow>(text: string, values: unknown[], workspaceId?: string): Promise<Row[]>;
  /** Statements sent to the server so far (each is one round trip). */
  statementCount(): number;
};

/** Somewhere workspaces live: the shared tables, a schema, or a database. */
export type Place = {
  /** for messages: 'shared', or the id of the one workspace in it */
  name: string;
  asSystem: Store['asSystem'];
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** The server does not know a prepared statement by this name. */
const NOT_PREPARED = '26000';
const AGAIN = new Set(['40001', '40P01', NOT_PREPARED]);
const CHECK_VIOLATION = '23514';
const ATTEMPTS = 3;
/** A replica that has not begun after this, in milliseconds, is not waited for. */
const BEGIN_MS = 1_000;
/** The workspace lives elsewhere, or is being moved: nothing was read or written (see placement/fence.ts). */
const MOVED = 'PY001';
const AS_SYSTEM = 'BEGIN; SET LOCAL ROLE parley_system';

/** The only ways to the tables. Without `placing`, every workspace lives in the shared ones. */
export function createStore(
  database: Database,
  replicas?: Pick<Replicas, 'read'>,
  placing?: Placing,
  clock: Clock = realClock,
): Store {
  let statements = 0;
  const logger = { logQuery: () => void statements++ };
  const dialect = new PgDialect();
  const scoped = createScopedQueries();
  const config = extractTablesRelationalConfig<Relations>(schema, createTableRelationsHelpers);
  const relations = { fullSchema: schema, schema: config.tables, tableNamesMap: config.tableNamesMap };

  function begun(client: PoolClient): { tx: Tx; end(): void } {
    let ended = false;
    const guarded = new Proxy(client, {
      get(target, key) {
        if (ended) throw new Error('the transaction is over; a statement of it was not awaited');
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const session = new NodePgSession<Schema, Relations>(guarded, dialect, relations, { logger });
    const tx = new NodePgTransaction<Schema, Relations>(dialect, session, relations);
    return { tx: Object.assign(tx, { now: clock.now() }), end: () => void (ended = true) };
  }

  function send(client: PoolClient, text: string) {
    statements++;
    return client.query(text);
  }

  async function attempt<T>(pool: Pool, begin: string, work: (tx: Tx) => Promise<T>, beginMs?: number): Promise<T> {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await (beginMs === undefined ? send(client, begin) : promptly(send(client, begin), beginMs));
      const { tx, end } = begun(client);
      const result = await work(tx).finally(end);
      // COMMIT of a failed transaction answers ROLLBACK without an error; the work must not look done.
      const { command } = await send(client, 'COMMIT');
      if (command !== 'COMMIT') throw new Error('a failed statement was caught inside of the transaction');
      return result;
    } catch (error) {
      try {
        // A server that says nothing would not answer this either.
        if (isSilence(error)) throw error;
        await send(client, 'ROLLBACK');
      } catch (failure) {
        // Nobody knows what state this connection is in: the pool throws it away.
        broken = failure instanceof Error ? failure : new Error(String(failure));
      }
      throw error;
    } finally {
      client.release(broken);
    }
  }

  const transaction = <T>(pool: Pool, begin: string, work: (tx: Tx) => Promise<T>): Promise<T> =>
    again(() => attempt(pool, begin, work));

  /** Replicas hold what stands beside the shared tables, so only reads of that pool can go there. */
  function reading<T>(pool: Pool, begin: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    const here = (): Promise<T> => transaction(pool, begin, work);
    return replicas && pool === database.pool
      ? replicas.read((replica) => attempt(replica, begin, work, BEGIN_MS), here)
      : here();
  }

  /** Runs it with the connections of wherever the workspace lives; again when it moved meanwhile. */
  async function where<T>(workspaceId: string, run: (pool: Pool) => Promise<T>): Promise<T> {
    if (!placing) return run(database.pool);
    const { placements, pools } = placing;
    await placements.stale();
    for (let refused = 1; ; refused++) {
      const placement = placements.of(workspaceId);
      try {
        return await (placement && placement.kind !== 'shared' ? pools.use(placement, run) : run(database.pool));
      } catch (error) {
        if (codeOf(error) !== MOVED) throw error;
        await placements.settled(workspaceId, refused);
      }
    }
  }

  async function one<Row extends QueryResultRow>(pool: Pool, text: string, values: unknown[]): Promise<Row[]> {
    statements++;
    const name = scoped.nameOf(text);
    const { rows } = await pool.query<Row>(name === undefined ? { text, values } : { name, text, values });
    return rows;
  }

  const asSystem: Store['asSystem'] = (work) => transaction(database.pool, AS_SYSTEM, work);
  const shared: Place = { name: 'shared', asSystem };

  /** One statement as parley_system, for the mirror. */
  const asking = (pool: Pool): Asking => ({
    async query(text, values) {
      const client = await pool.connect();
      let broken: Error | undefined;
      try {
        await send(client, AS_SYSTEM);
        statements++;
        const result = await client.query(text, values);
        await send(client, 'COMMIT');
        return result;
      } catch (error) {
        // In a transaction that failed: the pool makes a new connection.
        broken = error instanceof Error ? error : new Error(String(error));
        throw error;
      } finally {
        client.release(broken);
      }
    },
  });
  const mirrorOne = placing?.createMirror(asking(database.pool));

  async function mirror(workspaceId?: string): Promise<void> {
    if (!placing || !mirrorOne) return;
    const { placements, pools } = placing;
    const own = placements
      .elsewhere()
      .filter(({ kind, workspaceId: id }) => kind === 'database' && (workspaceId ?? id) === id);
    const ended = await Promise.allSettled(
      own.map((placement) => pools.use(placement, (pool) => mirrorOne(placement.workspaceId, asking(pool)))),
    );
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  }

  function placed(placement: Placement): Place {
    const name = placement.workspaceId;
    if (!placing || placement.kind === 'shared') return shared;
    // The shared connections reach a schema, too: what looks everywhere every few seconds keeps none of its own open.
    if (placement.kind === 'schema') {
      const begin = `${AS_SYSTEM}; SET LOCAL search_path TO ${placement.schema}, public`;
      return { name, asSystem: (work) => transaction(database.pool, begin, work) };
    }
    return { name, asSystem: (work) => placing.pools.use(placement, (pool) => transaction(pool, AS_SYSTEM, work)) };
  }

  return {
    clock,
    async inWorkspace(workspaceId, work, statementMs) {
      const begin = beginIn(workspaceId, 'BEGIN', statementMs);
      return where(workspaceId, (pool) => transaction(pool, begin, work));
    },
    async inControl(workspaceId, work) {
      const begin = beginIn(workspaceId);
      const { kind } = placing?.placements.of(workspaceId) ?? {};
      if (kind !== 'database') return where(workspaceId, (pool) => transaction(pool, begin, work));
      const result = await transaction(database.pool, begin, work);
      await mirror(workspaceId).catch((error: unknown) => {
        // It is committed here, so the caller goes on. The sweeper copies it when that database is back.
        if (!isConnectionLoss(error)) throw error;
      });
      return result;
    },
    mirror,
    async read(workspaceId, work) {
      const begin = beginIn(workspaceId, 'BEGIN READ ONLY', STATEMENT_MS.read);
      return where(workspaceId, (pool) => reading(pool, begin, work));
    },
    async once<Row extends Record<string, unknown>>(workspaceId: string, query: SQL, planned: Planned = 'once') {
      assertWorkspace(workspaceId);
      const { sql: text, params } = dialect.sqlToQuery(query);
      const run = async (pool: Pool): Promise<Row[]> => {
        const client = await pool.connect();
        let unusable: Error | undefined;
        try {
          statements++;
          return await scoped.run<Row>(client, workspaceId, text, params, planned);
        } catch (error) {
          if (error instanceof Error && (scoped.isSpoiled(client) || codeOf(error) === NOT_PREPARED)) unusable = error;
          throw error;
        } finally {
          client.release(unusable);
        }
      };
      return where(workspaceId, (pool) => again(() => run(pool)));
    },
    asSystem,
    places: () => [shared, ...(placing?.placements.elsewhere() ?? []).map(placed)],
    async placeOf(workspaceId) {
      if (!placing) return shared;
      const { placements } = placing;
      const known = placements.of(workspaceId);
      if (known && known.kind !== 'shared') return placed(known);
      await placements.reload();
      const found = placements.of(workspaceId);
      return found ? placed(found) : shared;
    },
    statement: (text, values, workspaceId) =>
      workspaceId === undefined
        ? again(() => one(database.pool, text, values))
        : where(workspaceId, (pool) => again(() => one(pool, text, values))),
    statementCount: () => statements,
  };
}

function assertWorkspace(workspaceId: string): void {
  if (typeof workspaceId !== 'string' || !UUID.test(workspaceId)) throw new TypeError('workspaceId must be a uuid');
}

/** Opens a transaction inside the workspace. The id is written into the statement, so nothing but a uuid may pass. */
function beginIn(workspaceId: string, begin = 'BEGIN', statementMs?: number): string {
  assertWorkspace(workspaceId);
  const limit = statementMs === undefined ? '' : `, set_config('statement_timeout', '${Number(statementMs)}', true)`;
  return `${begin}; SELECT set_config('app.workspace_id', '${workspaceId}', true)${limit}`;
}

/** Runs it again, twice at most, when nothing was done: the database gave up on a conflict, or forgot a statement. */
async function again<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run();
    } catch (error) {
      if (tries >= ATTEMPTS || !(AGAIN.has(codeOf(error)) || isMonthMade(error))) throw error;
      await sleep(tries * 20 * (0.5 + Math.random()));
    }
  }
}

/** The partition of its month was made while a row was on its way to that of no month. Now there is one. */
const isMonthMade = (error: unknown): boolean =>
  error instanceof Error &&
  (('code' in error && error.code === CHECK_VIOLATION && error.message.includes('partition constraint')) ||
    isMonthMade(error.cause));

/** The SQLSTATE of an error, also of one Drizzle wrapped; '' when it has none. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return codeOf(error.cause);
}

const isSilence = (error: unknown): boolean => error instanceof Error && error.message.endsWith('read timeout');

/** @throws after so many milliseconds; the work goes on unheeded */
async function promptly<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('Begin read timeout')), milliseconds);
  // Whoever is late fails with the connection, which is given up.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
