import { createHash } from 'node:crypto';
import pg from 'pg';
import type { PoolClient, QueryResult } from 'pg';
import { STATEMENT_MS } from './statement-limits.ts';

/** What of the driver's connection is used here: the extended query protocol, message by message. */
type ProtocolConnection = {
  parse(message: { text: string; name: string }): void;
  bind(message: { portal: string; statement: string; values: unknown[] }): void;
  describe(message: { type: 'P'; name: string }): void;
  execute(message: { portal: string }): void;
};

declare module 'pg' {
  interface Query {
    /** Whether this connection knows the statement by its name, as far as the driver knows. */
    hasBeenParsed(connection: ProtocolConnection): unknown;
    /** Sends the messages of the query up to its Sync. */
    prepare(connection: ProtocolConnection): void;
  }
}

/**
 * Whether a statement is planned once for a connection, or again for its values. Left to itself the server plans those
 * that touch a month again at every run, which takes longer than running them.
 */
export type Planned = 'once' | 'each time';
const INSIDE = `select set_config('app.workspace_id', $1, true), set_config('statement_timeout', '${STATEMENT_MS.path}', true)`;
const ENTER = {
  once: { text: `${INSIDE}, set_config('plan_cache_mode', 'force_generic_plan', true)`, name: 'parley_enter' },
  'each time': { text: INSIDE, name: 'parley_enter_planning' },
};
/** Texts come from templates of ours, so there are few; should that change, the rest goes unnamed. */
const NAMES_AT_MOST = 400;

/**
 * Runs single statements inside a workspace in one round trip: setting the workspace and the statement share one Sync,
 * and so one implicit transaction (PostgreSQL protocol, "Pipelining"). What is set is gone with it.
 */
export function createScopedQueries() {
  const names = new Map<string, string>();
  const spoiled = new WeakSet<PoolClient>();
  /** Connections that have an ENTER prepared: what is prepared stays so, whatever becomes of its transaction. */
  const entered = { once: new WeakSet<ProtocolConnection>(), 'each time': new WeakSet<ProtocolConnection>() };

  /** Plans of named statements are kept by the server: the large statements of the path are planned once. */
  function nameOf(text: string): string | undefined {
    const known = names.get(text);
    if (known !== undefined || names.size >= NAMES_AT_MOST) return known;
    const name = `parley_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
    names.set(text, name);
    return name;
  }

  function run<Row extends Record<string, unknown>>(
    client: PoolClient,
    workspaceId: string,
    text: string,
    values: unknown[],
    planned: Planned,
  ): Promise<Row[]> {
    const name = nameOf(text);
    const query = new pg.Query<Row>(name === undefined ? { text, values } : { text, values, name });
    const prepare = query.prepare.bind(query);
    let isFirst = false;
    query.prepare = (connection) => {
      isFirst = name !== undefined && !query.hasBeenParsed(connection);
      if (!entered[planned].has(connection)) connection.parse(ENTER[planned]);
      entered[planned].add(connection);
      connection.bind({ portal: '', statement: ENTER[planned].name, values: [workspaceId] });
      connection.describe({ type: 'P', name: '' });
      connection.execute({ portal: '' });
      prepare(connection);
    };
    return new Promise((resolve, reject) => {
      query.on('error', (error) => {
        // The driver takes the parsing of ENTER for that of the statement: it would name one that was never prepared.
        if (isFirst) spoiled.add(client);
        reject(error);
      });
      query.on('end', (results: QueryResult<Row> | QueryResult<Row>[]) => {
        const last = Array.isArray(results) ? results.at(-1) : results;
        resolve(last?.rows ?? []);
      });
      client.query(query);
    });
  }
  return {
    run,
    nameOf,
    /** The connection must not be used again: driver and server may disagree about what is prepared on it. */
    isSpoiled: (client: PoolClient): boolean => spoiled.has(client),
  };
}
