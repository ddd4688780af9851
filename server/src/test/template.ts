import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { MIGRATIONS, openDatabase } from '../platform/data/index.ts';
import { readMigrations } from '../platform/data/migrate.ts';
import { createLogger } from '../platform/telemetry/log.ts';

/**
 * Migrated databases to copy: making and migrating one takes seconds, copying it a moment. Each is named after what it
 * was made from, so that a changed migration makes a new one.
 */
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/parley-test', import.meta.url));
/** Pins the version of the embedded database. */
const PACKAGES = fileURLToPath(new URL('../../package.json', import.meta.url));
/** Of the lock under which one process makes the template of a server. */
const TEMPLATE_LOCK = 0x70726c74;

/** Room for the pages of a test: taking the usual 128 MB costs more than everything else a start does. */
const CONFIGURATION = 'shared_buffers = 16MB\n';
/** What no test ever connects to makes half of the files. */
const UNUSED = ['template0', 'template1'];

/** The migrations by content, and the month, because the partitions that are made depend on it. */
function fingerprint(...more: string[]): string {
  const hash = createHash('sha256');
  for (const { name, checksum } of readMigrations(MIGRATIONS)) hash.update(`${name}\0${checksum}\0`);
  for (const part of [new Date().toISOString().slice(0, 7), ...more]) hash.update(`${part}\0`);
  return hash.digest('hex').slice(0, 16);
}

const log = () => createLogger({ level: process.env.LOG_LEVEL ?? 'fatal' });

/** Puts a migrated embedded database into `dataDir`, which has none. */
export async function copyEmbeddedTemplate(dataDir: string): Promise<void> {
  const template = join(CACHE, fingerprint(readFileSync(PACKAGES, 'utf8'), CONFIGURATION, ...UNUSED), 'database');
  if (!existsSync(template)) await makeEmbeddedTemplate(template);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  // At once: a thousand small files cost five times as much one by one.
  cpSync(template, join(dataDir, 'database'), { recursive: true });
}

async function makeEmbeddedTemplate(template: string): Promise<void> {
  const making = `${dirname(template)}.${randomBytes(6).toString('hex')}`;
  mkdirSync(making, { recursive: true });
  const database = await openDatabase({ dataDir: making, database: { replicaUrls: [] } }, log());
  await database.asOwner(async (client) => {
    for (const name of UNUSED) {
      await client.query(`alter database ${name} is_template false`);
      await client.query(`drop database ${name}`);
    }
  });
  await database.close();
  appendFileSync(join(making, 'database', 'postgresql.conf'), CONFIGURATION);
  try {
    renameSync(making, dirname(template));
  } catch (error) {
    // Another test file was faster: its template is as good.
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(template)) throw error;
  }
  for (const name of readdirSync(CACHE))
    if (/^[0-9a-f]{16}$/.test(name) && name !== template.split('/').at(-2))
      rmSync(join(CACHE, name), { recursive: true, force: true });
}

/**
 * A migrated database called `name` on the server at `address`, copied from a template there, which is made when it is
 * missing and stays.
 *
 * @param client a connection to `address`, whose user may create databases
 */
export async function copyServerTemplate(client: Client, address: string, name: string): Promise<void> {
  const template = `parley_template_${fingerprint()}`;
  const url = (database: string) => Object.assign(new URL(address), { pathname: `/${database}` }).href;
  // Also while copying: a database that is being copied admits no second copy's connection.
  await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [template]);
    if (rows.length === 0) {
      const making = `${template}_${randomBytes(4).toString('hex')}`;
      await client.query(`create database ${making}`);
      const database = await openDatabase({ dataDir: '', database: { url: url(making), replicaUrls: [] } }, log());
      await database.close();
      await client.query(`alter database ${making} rename to ${template}`);
    }
    await client.query(`create database ${name} template ${template}`);
  } finally {
    await client.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
  const own = new Client({ connectionString: url(name) });
  await own.connect();
  try {
    // Every installation has an id of its own, by which its keys in a shared Redis are named.
    await own.query(`
      alter table installation no force row level security;
      update installation set id = gen_random_uuid();
      alter table installation force row level security`);
  } finally {
    await own.end();
  }
}
