import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Client, Pool } from 'pg';
import type { ClientConfig } from 'pg';
import { ConfigError } from '../config/define.ts';
import type { Config } from '../config/config.ts';
import type { Logger } from '../telemetry/log.ts';
import { startEmbedded } from '../embedded/embedded.ts';
import type { Embedded } from '../embedded/embedded.ts';
import { createOutage, isConnectionLoss } from '../telemetry/outage.ts';
import type { Outage } from '../telemetry/outage.ts';
import { ensureLogin, grantRoles, loginOf, tryLogin } from './login.ts';
import type { Login } from './login.ts';
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
  /** Of another server or database than DATABASE_URL; of a workspace's own one after `allowLogin`. */
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
  /** Has pools of a workspace's own database log in as the product rather than as its owner, where that may be arranged. */
  allowLogin(address: string): Promise<void>;
  /** All of them that are open, by name. */
  pools(): { name: string; pool: Pool }[];
  /** A connection of its own as the owner of the tables, for schema changes only; with `address`, of another database. */
  asOwner<T>(work: (client: Client) => Promise<T>, address?: string): Promise<T>;
  /** Runs `work` while no other process runs it under the same number. The embedded database has one process. */
  oneAtATime<T>(lock: number, work: () => Promise<T>): Promise<T>;
  /** Waits for running statements (at most 10 s), then closes everything; embedded: shuts the database down cleanly. */
  close(): Promise<void>;
};

/** Without secrets there is no login to derive, and the product's statements take its role on in the owner's. */
export type DatabaseConfig = Pick<Config, 'dataDir' | 'database'> & Partial<Pick<Config, 'secrets'>>;

export const MIGRATIONS = fileURLToPath(new URL('../../db/migrations', import.meta.url));
const OLDEST_SERVER = 16;
const CLOSE_WITHIN_MS = 10_000;
const STATEMENT_MS = 30_000;
/** The server ends what stands still in a transaction for twice that: who hears nothing for longer has lost it. */
const SILENT_MS = STATEMENT_MS * 2 + 5_000;
/** Longer than a connection may take to come about. */
const ARRANGED_WITHIN_MS = 15_000;
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
  const { url, appUrl } = config.database;
  const embedded = url ? null : await startEmbedded(config.dataDir, log);
  const opened: { name: string; pool: Pool }[] = [];
  const pools = () => opened.filter(({ pool: one }) => !one.ending);
  let outage: Outage | undefined;
  const [key] = config.secrets?.encryptionKeys ?? [];
  /** null: the owner's, which takes the role on */
  let login: Login | null = null;
  const ofOwnDatabases = new Map<string, Promise<Login | null>>();
  const settled = new Map<string, Login | null>();

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
      ...connection(
        embedded,
        address ?? appUrl ?? url,
        { role: APP_ROLE, search_path: searchPath },
        name,
        loginAt(address),
      ),
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

  /** A replica has the logins of its primary. */
  function loginAt(address: string | undefined): Login | null {
    const own = address === undefined ? undefined : settled.get(address);
    return own === undefined ? login : own;
  }
  const asLogin = (address: string | undefined, as: Login): ClientConfig =>
    connection(null, address, { role: APP_ROLE, search_path: 'public' }, 'parley login', as);

  /** The derived login on this server, or null where it cannot be had: said once, since nobody has to do anything. */
  async function arrangeLogin(address: string | undefined): Promise<Login | null> {
    if (!key) return null;
    const derived = loginOf(key);
    try {
      await asOwner((client) => ensureLogin(client, derived), address);
      await tryLogin(asLogin(address ?? url, derived)).catch(async () => {
        // Somebody gave it another password, perhaps.
        await asOwner((client) => ensureLogin(client, derived, { reset: true }), address);
        await tryLogin(asLogin(address ?? url, derived));
      });
      return derived;
    } catch (error) {
      if (isConnectionLoss(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      log.warn(
        { reason },
        'the database user may not arrange a login for tenant work: it is done in its own, as parley_app. DATABASE_APP_URL names another',
      );
      return null;
    }
  }

  async function allowLogin(address: string): Promise<void> {
    if (settled.has(address)) return;
    let arranged = ofOwnDatabases.get(address);
    if (!arranged) {
      arranged = promptly(arrangeLogin(address), ARRANGED_WITHIN_MS);
      ofOwnDatabases.set(address, arranged);
    }
    try {
      settled.set(address, await arranged);
    } finally {
      // Of a server that is away nothing is known: the next caller asks it.
      ofOwnDatabases.delete(address);
    }
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

  /** The login DATABASE_APP_URL names. @throws ConfigError when it cannot do the product's work, or can do more */
  async function checkedLogin(address: string): Promise<Login> {
    const { username, password } = new URL(address);
    const named = { user: decodeURIComponent(username), password: password ? decodeURIComponent(password) : undefined };
    try {
      // A database administrator may have granted them, where the owner may not.
      await asOwner((client) => grantRoles(client, named.user)).catch(() => undefined);
      await tryLogin(asLogin(address, named));
      return named;
    } catch (error) {
      throw unusable(
        error,
        'DATABASE_APP_URL',
        'of DATABASE_URL with a user that may SET ROLE to parley_app and parley_system',
      );
    }
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
  if (!embedded) {
    login = appUrl
      ? await checkedLogin(appUrl)
      : await arrangeLogin(undefined).catch((error: unknown) => {
          throw unusable(error);
        });
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
  return { kind: embedded ? 'embedded' : 'external', pool, openPool, allowLogin, pools, asOwner, oneAtATime, close };
}

/**
 * A connection can be dead without a sign: a firewall dropped it, or the server moved. A query on it would wait for the
 * quarter of an hour TCP tries for, and a pool of such connections would answer nothing, long after the server is back.
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
  login: Login | null = null,
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
  if (login) {
    // What stands behind the question mark would win.
    for (const named of ['user', 'password']) address.searchParams.delete(named);
    address.username = encodeURIComponent(login.user);
    address.password = encodeURIComponent(login.password ?? '');
  }
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

function unusable(error: unknown, variable = 'DATABASE_URL', which = 'of a PostgreSQL server that can be used'): Error {
  const reason =
    error instanceof Error ? error.message || ('code' in error ? String(error.code) : error.name) : 'unknown';
  return new ConfigError(variable, `takes the address ${which}: ${reason}`);
}

/** @throws what a lost connection throws, when it takes too long */
async function promptly<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  const late = Object.assign(new Error('Connection terminated: the database has said nothing'), { code: '08006' });
  if ((await within(work, milliseconds)) === 'late') throw late;
  return work;
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
