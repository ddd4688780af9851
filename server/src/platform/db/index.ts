import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Client, Pool } from 'pg';
import type { ClientConfig } from 'pg';
import { ConfigError } from '../config.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { startEmbedded } from './embedded.ts';
import type { Embedded } from './embedded.ts';
import { createOutage } from '../outage.ts';
import type { Outage } from '../outage.ts';
import { migrate, MigrationError } from './migrate.ts';

export { FolderInUseError } from './lock.ts';
export { MigrationError } from './migrate.ts';

export type PoolOptions = {
  /** Connections at most; a statement waits for a free one. */
  max: number;
  /** The schemas names are looked up in, first to last. */
  searchPath: string;
  /** What the server calls these connections. */
  name: string;
  /** Of another server or database than DATABASE_URL. */
  address?: string | undefined;
  /** milliseconds after which a connection nobody uses is closed (default: 60 000) */
  idleMs?: number;
  /** milliseconds to wait for a connection (default: 10 000) */
  connectMs?: number;
  /** milliseconds after which a statement the server says nothing about fails; not for statements inside a workspace in one step */
  answerMs?: number;
  /**
   * milliseconds after which a connection in use on which nothing comes or goes is dead; longer than any statement or pause
   * inside of a transaction may last. Not for connections that listen.
   */
  silentMs?: number;
};

export type Database = {
  kind: 'embedded' | 'external';
  /** Every statement of the product, as parley_app. */
  pool: Pool;
  /** A further pool, also as parley_app, for a library with its own schema. Closed by `close()` at the latest. */
  openPool(options: PoolOptions): Pool;
  /** All of them that are open, by name. */
  pools(): { name: string; pool: Pool }[];
  /** A connection of its own as the owner of the tables, for schema changes only; with `address`, of another database. */
  asOwner<T>(work: (client: Client) => Promise<T>, address?: string): Promise<T>;
  /** Runs `work` while no other process runs it under the same number. The embedded database has one process. */
  oneAtATime<T>(lock: number, work: () => Promise<T>): Promise<T>;
  /** Waits for running statements (at most 10 s), then closes everything; embedded: shuts the database down cleanly. */
  close(): Promise<void>;
};

export type DatabaseConfig = Pick<Config, 'dataDir' | 'database'>;

export const MIGRATIONS = fileURLToPath(new URL('../../db/migrations', import.meta.url));
const OLDEST_SERVER = 16;
const CLOSE_WITHIN_MS = 10_000;
const STATEMENT_MS = 30_000;
/** The server ends what stands still in a transaction for twice that: who hears nothing for longer has lost it. */
const SILENT_MS = STATEMENT_MS * 2 + 5_000;
const APP_ROLE = 'parley_app';
const OWNER = { search_path: 'public' };

/**
 * Opens the database the configuration names, migrated: DATABASE_URL, or else the embedded one in DATA_DIR.
 *
 * @param migrations folder with the migration files (default: the product's)
 * @param contract also runs those that take away what the version before still uses; the embedded database has no other
 *   process, so it always does
 * @throws FolderInUseError, MigrationError, or an Error that names DATABASE_URL when the server cannot be used
 */
export async function openDatabase(
  config: DatabaseConfig,
  log: Logger,
  migrations = MIGRATIONS,
  { contract = false } = {},
): Promise<Database> {
  const { url } = config.database;
  const embedded = url ? null : await startEmbedded(config.dataDir, log);
  const opened: { name: string; pool: Pool }[] = [];
  const pools = () => opened.filter(({ pool: one }) => !one.ending);
  let outage: Outage | undefined;

  async function asOwner<T>(work: (client: Client) => Promise<T>, address?: string): Promise<T> {
    const client = new Client(connection(address ? null : embedded, address ?? url, OWNER, 'parley owner'));
    // A connection lost between two statements also fails the next one, where it is handled.
    client.on('error', (error) => log.warn({ err: error }, 'the owner connection was lost'));
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  function openPool(options: PoolOptions): Pool {
    const { max, searchPath, name, address, connectMs = 10_000, answerMs, idleMs = 60_000 } = options;
    const limits = embedded
      ? undefined
      : { statement_timeout: STATEMENT_MS, idle_in_transaction_session_timeout: STATEMENT_MS * 2 };
    const pool = new Pool({
      ...connection(embedded, address ?? url, { role: APP_ROLE, search_path: searchPath }, name),
      ...limits,
      ...(answerMs ? { query_timeout: answerMs } : {}),
      max,
      connectionTimeoutMillis: connectMs,
      idleTimeoutMillis: embedded ? 0 : idleMs,
    });
    // The pool replaces a connection lost while idle; without a listener the loss would end the process.
    pool.on('error', (error) => {
      log.debug({ err: error, pool: name }, 'an idle database connection was lost');
      outage?.suspected();
    });
    // One lost while somebody uses it fails their statement, too, where it is handled.
    pool.on('connect', (client) => {
      client.on('error', (error) => log.debug({ err: error, pool: name }, 'a database connection was lost'));
    });
    if (options.silentMs && !embedded) giveUpTheSilent(pool, options.silentMs);
    for (const [index, one] of opened.entries()) if (one.pool.ended) opened.splice(index, 1);
    opened.push({ name, pool });
    return pool;
  }

  async function oneAtATime<T>(lock: number, work: () => Promise<T>): Promise<T> {
    if (embedded) return work();
    return asOwner(async (client) => {
      // Of the transaction, not of the session: it holds through a pooler, too, and ends with the connection.
      await client.query('begin');
      await client.query('select pg_advisory_xact_lock($1)', [lock]);
      const result = await work();
      await client.query('commit');
      return result;
    });
  }

  async function close(): Promise<void> {
    outage?.close();
    const ended = Promise.all(pools().map(({ pool: one }) => one.end()));
    if ((await within(ended, CLOSE_WITHIN_MS)) === 'late') log.warn('closing the database over running statements');
    await embedded?.close();
  }

  try {
    const applied = await asOwner(async (client) => {
      if (!embedded) await assertServer(client);
      return migrate(client, migrations, { contract: contract || embedded !== null });
    });
    if (applied.length) log.debug({ migrations: applied }, 'database migrated');
  } catch (error) {
    await embedded?.close();
    throw embedded || error instanceof MigrationError ? error : unusable(error);
  }
  const max = config.database.pool ?? (embedded ? 10 : 20);
  const pool = openPool({ max, searchPath: 'public', name: 'parley', silentMs: SILENT_MS });
  // The embedded one does not go away: its thread ends with the process.
  if (!embedded) {
    outage = createOutage({
      log,
      name: 'the database',
      meaning: 'nothing is taken in or answered until it is back; what was acknowledged is kept',
      probe: () => pool.query('select 1'),
      watchEveryMs: 5_000,
    });
  }
  return { kind: embedded ? 'embedded' : 'external', pool, openPool, pools, asOwner, oneAtATime, close };
}

/**
 * A connection can be dead without anybody being told: a firewall forgot it, or the server moved. Whoever uses it would wait
 * for the quarter of an hour TCP tries for, and a pool of such connections serves nobody, long after the server is back.
 */
function giveUpTheSilent(pool: Pool, silentMs: number): void {
  const streamOf = (client: object): Socket | undefined => {
    const { stream } = Object(Reflect.get(client, 'connection')) as { stream?: unknown };
    return stream instanceof Socket ? stream : undefined;
  };
  pool.on('connect', (client) => {
    const stream = streamOf(client);
    stream?.on('timeout', () => stream.destroy(new Error('Connection terminated: the database has said nothing')));
  });
  pool.on('acquire', (client) => void streamOf(client)?.setTimeout(silentMs));
  pool.on('release', (_error, client) => void streamOf(client)?.setTimeout(0));
}

function connection(
  embedded: Embedded | null,
  url: string | undefined,
  settings: Record<string, string>,
  name: string,
): ClientConfig {
  const options = Object.entries(settings)
    .map(([setting, value]) => `-c ${setting}=${value.replace(/[\\\s]/g, '\\$&')}`)
    .join(' ');
  if (embedded) {
    return { stream: () => embedded.connect(), user: 'parley', database: 'parley', ssl: false, options };
  }
  if (!url) throw new Error('DATABASE_URL is not set');
  const address = new URL(url);
  // What stands in the address wins over what is passed beside it, so its own options are taken out and joined.
  const own = address.searchParams.get('options');
  address.searchParams.delete('options');
  return {
    connectionString: address.href,
    options: own ? `${own} ${options}` : options,
    application_name: name,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
  };
}

async function assertServer(client: Client): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int / 10000 as version`,
  );
  const version = rows[0]?.version ?? 0;
  if (version < OLDEST_SERVER) throw new Error(`it is PostgreSQL ${version}, ${OLDEST_SERVER} or later is needed`);
}

function unusable(error: unknown): Error {
  const reason =
    error instanceof Error ? error.message || ('code' in error ? String(error.code) : error.name) : 'unknown';
  return new ConfigError('DATABASE_URL', `takes the address of a PostgreSQL server that can be used: ${reason}`);
}

async function within(work: Promise<unknown>, milliseconds: number): Promise<'done' | 'late'> {
  const { promise, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), milliseconds);
  try {
    return await Promise.race([work.then(() => 'done' as const), promise]);
  } finally {
    clearTimeout(timer);
  }
}
